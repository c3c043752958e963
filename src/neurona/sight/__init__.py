"""What a network sees: pure functions from a trained model and arrays to arrays that can be drawn.

    fields         which part of the picture a unit can see         filters        kernels as pictures
    stages         layers of weights and what belongs to them       activations    feature maps
    exciting       which pictures excite a unit most                attribution    Grad-CAM, occlusion, gradient
    maximisation   pictures that the network makes itself           scene          a network with its pictures
    words          what each word of a text contributed             states         gates, cells and states of recurrent layers
    following      which units follow what                          reading        a network with its way to read texts

They serve the networks of every recogniser and any other drawn model of one input. Leans on models, tape and ops.
"""

from neurona.sight.activations import feature_maps
from neurona.sight.attribution import enlarged, grad_cam, log_odds, occlusion, sensitivity
from neurona.sight.exciting import Exciting, exciting, patch, purity, standing_out
from neurona.sight.fields import Field
from neurona.sight.filters import first_kernels, templates
from neurona.sight.following import Following, Read, follow
from neurona.sight.maximisation import colour_spread, maximise_classes, maximise_units
from neurona.sight.reading import Seen, Survey, TextScene
from neurona.sight.scene import Scene
from neurona.sight.stages import Probe, Stage, find_stage, stages_of
from neurona.sight.states import Recurrence, Trace, recurrences, traces, unit_shares
from neurona.sight.words import Explained, Explainer, Piece, contributions

__all__ = [
    "Exciting",
    "Explained",
    "Explainer",
    "Field",
    "Following",
    "Piece",
    "Probe",
    "Read",
    "Recurrence",
    "Scene",
    "Seen",
    "Stage",
    "Survey",
    "TextScene",
    "Trace",
    "colour_spread",
    "contributions",
    "enlarged",
    "exciting",
    "feature_maps",
    "find_stage",
    "first_kernels",
    "follow",
    "grad_cam",
    "log_odds",
    "maximise_classes",
    "maximise_units",
    "occlusion",
    "patch",
    "purity",
    "recurrences",
    "sensitivity",
    "stages_of",
    "standing_out",
    "templates",
    "traces",
    "unit_shares",
]
