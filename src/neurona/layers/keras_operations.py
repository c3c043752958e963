"""How Keras 3's files name the ops of a functional model.

A call of an op stands in a file as an object of a class of its own: ``ops.sum(x, axis=1)`` as ``Sum`` of
``keras.src.ops.numpy``, with the setting ``axis`` in its configuration and the tensor ``x`` among the arguments of its call.
The table below says for each such class which arguments are which. Both directions lean on it: `describe` for a call that
was drawn, `find` for one that was read.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from neurona import ops
from neurona.errors import UnknownNameError
from neurona.names import snake_case
from neurona.ops import image
from neurona.parts import activations
from neurona.symbolic import dtype_name, has_symbolic
from neurona.tensor import Tensor

__all__ = ["KerasOperation", "by_class", "by_op", "describe", "find"]

# For each module: Class(arguments of the call | settings), where the op is not called like its class: op=Class(...).
_TABLE = {
    "keras.src.ops.core": """
        Cast(x | dtype); ConvertToTensor(x | dtype sparse ragged); SaturateCast(x | dtype); Scatter(indices values |
        shape); ScatterUpdate(inputs indices updates | reduction); Slice(inputs start_indices | shape);
        SliceUpdate(inputs start_indices updates); StopGradient(variable); Unstack(x | num axis)
    """,
    "keras.src.ops.image": """
        AffineTransform(images transform | interpolation fill_mode fill_value data_format); CropImages(images |
        top_cropping left_cropping bottom_cropping right_cropping target_height target_width data_format);
        ElasticTransform(images | alpha sigma interpolation fill_mode fill_value seed data_format);
        ExtractPatches(images | size strides dilation_rate padding data_format); GaussianBlur(images | kernel_size sigma
        data_format); HSVToRGB(images | data_format); MapCoordinates(inputs coordinates | order fill_mode fill_value);
        PadImages(images | top_padding left_padding bottom_padding right_padding target_height target_width
        data_format); PerspectiveTransform(images start_points end_points | interpolation fill_value data_format);
        Resize(images | size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value
        data_format); RGBToGrayscale(images | data_format); RGBToHSV(images | data_format); ScaleAndTranslate(images
        output_shape scale translation | spatial_dims method antialias); SobelEdges(images | data_format); SSIM(image1
        image2 | max_val filter_size filter_sigma k1 k2 data_format)
    """,
    "keras.src.ops.linalg": """
        Cholesky(x | upper); CholeskyInverse(x | upper); Det(x); Eig(x); Eigh(x); Inv(x); Lstsq(a b | rcond);
        LuFactor(x); MatrixRank(x | tol); Norm(x | ord axis keepdims); Pinv(x | rcond); Qr(x | mode); Solve(a b);
        SolveTriangular(a b | lower); SVD(x | full_matrices compute_uv)
    """,
    "keras.src.ops.math": """
        cdist=CDist(x y); Erf(x); Erfc(x); Erfinv(x); ExtractSequences(x | sequence_length sequence_stride); FFT(x);
        FFT2(x); IFFT2(x); InTopK(targets predictions | k); IRFFT(x | fft_length); ISTFT(x | sequence_length
        sequence_stride fft_length length window center); Logdet(x); Logsumexp(x | axis keepdims); RFFT(x | fft_length);
        Rsqrt(x); SegmentMax(data segment_ids | num_segments sorted); SegmentMin(data segment_ids | num_segments
        sorted); SegmentProd(data segment_ids | num_segments sorted); SegmentSum(data segment_ids | num_segments
        sorted); STFT(x | sequence_length sequence_stride fft_length window center); TopK(x | k sorted);
        ViewAsComplex(x); ViewAsReal(x)
    """,
    "keras.src.ops.nn": """
        AdaptiveAveragePool(inputs | output_size data_format); AdaptiveMaxPool(inputs | output_size data_format);
        AveragePool(inputs | pool_size strides padding data_format); batch_normalization=BatchNorm(x mean variance
        offset scale | axis epsilon); BinaryCrossentropy(target output | from_logits); CategoricalCrossentropy(target
        output | from_logits axis); Celu(x | alpha); Conv(inputs kernel | strides padding data_format dilation_rate);
        ConvTranspose(inputs kernel | strides padding output_padding data_format dilation_rate); CTCDecode(inputs
        sequence_lengths | strategy beam_width top_paths merge_repeated mask_index); CTCLoss(target output target_length
        output_length | mask_index); DepthToSpace(x | block_size data_format); DepthwiseConv(inputs kernel | strides
        padding data_format dilation_rate); DotProductAttention(query key value bias mask scale | is_causal
        flash_attention attn_logits_soft_cap); Elu(x | alpha); Fold(x | output_size kernel_size dilation padding
        stride); Gelu(x | approximate); Glu(x | axis); HardShrink(x | threshold); HardSigmoid(x); HardSilu(x);
        HardTanh(x); layer_normalization=LayerNorm(x gamma beta | axis epsilon rms_scaling); LeakyRelu(x |
        negative_slope); LogSigmoid(x); LogSoftmax(x | axis); MaxPool(inputs | pool_size strides padding data_format);
        Moments(x | axes keepdims synchronized); MultiHot(inputs | num_classes axis dtype sparse); Normalize(x | axis
        order epsilon); OneHot(x | num_classes axis dtype sparse); Polar(abs_ angle); PSNR(x1 x2 | max_val); Relu(x);
        Relu6(x); rms_normalization=RMSNorm(x scale | axis epsilon); Selu(x); SeparableConv(inputs depthwise_kernel
        pointwise_kernel | strides padding data_format dilation_rate); Sigmoid(x); Silu(x); Softmax(x | axis);
        Softplus(x); SoftShrink(x | threshold); Softsign(x); SpaceToDepth(x | block_size data_format);
        SparseCategoricalCrossentropy(target output | from_logits axis); Sparsemax(x | axis); SparsePlus(x);
        SparseSigmoid(x); Squareplus(x | b); TanhShrink(x); Threshold(x | threshold default_value); Unfold(x |
        kernel_size dilation padding stride)
    """,
    "keras.src.ops.numpy": """
        Absolute(x); Add(x1 x2); All(x | axis keepdims); allclose=AllClose(x1 x2 | rtol atol equal_nan); Amax(x | axis
        keepdims); Amin(x | axis keepdims); Angle(x); Any(x | axis keepdims); Append(x1 x2 | axis); Arange(start stop
        step | dtype); Arccos(x); Arccosh(x); Arcsin(x); Arcsinh(x); Arctan(x); Arctan2(x1 x2); Arctanh(x); Argmax(x |
        axis keepdims); Argmin(x | axis keepdims); Argpartition(x | kth axis); Argsort(x | axis); ArraySplit(x |
        indices_or_sections axis); Average(x weights | axis); Bincount(x | weights minlength sparse); BitwiseAnd(x y);
        BitwiseInvert(x); BitwiseLeftShift(x y); BitwiseNot(x); BitwiseOr(x y); BitwiseRightShift(x y); BitwiseXor(x y);
        BroadcastTo(x | shape); Cbrt(x); Ceil(x); Clip(x | x_min x_max); Concatenate(xs | axis); Conjugate(x); Copy(x);
        Corrcoef(x); Correlate(x1 x2 | mode); Cos(x); Cosh(x); CountNonzero(x | axis); Cross(x1 x2 | axisa axisb axisc
        axis); Cumprod(x | axis dtype); Cumsum(x | axis dtype); Deg2rad(x); Diag(x | k); Diagflat(x | k); Diagonal(x |
        offset axis1 axis2); Diff(a | n axis); Digitize(x bins); Divide(x1 x2); DivideNoNan(x1 x2); Dot(x1 x2); Dsplit(x
        | indices_or_sections); Dstack(xs); Einsum(*operands | subscripts); EmptyLike(x | dtype); Equal(x1 x2); Exp(x);
        Exp2(x); ExpandDims(x | axis); Expm1(x); Fabs(x); Flip(x | axis); Fliplr(x); Flipud(x); Floor(x); FloorDivide(x1
        x2); Fmax(x1 x2); Fmin(x1 x2); Fmod(x1 x2); Full(fill_value | shape dtype); FullLike(x fill_value | dtype);
        Gcd(x1 x2); Geomspace(start stop | num endpoint dtype axis); GetItem(x key); Greater(x1 x2); GreaterEqual(x1
        x2); Heaviside(x1 x2); Histogram(x | bins range); Hsplit(x | indices_or_sections); Hstack(xs); Hypot(x1 x2);
        I0(x); Imag(x); Inner(x1 x2); Isclose(x1 x2 rtol atol | equal_nan); Isfinite(x); isin=IsIn(x1 x2 | assume_unique
        invert); Isinf(x); Isnan(x); Isneginf(x); Isposinf(x); Isreal(x); Kron(x1 x2); Lcm(x1 x2); Ldexp(x1 x2);
        LeftShift(x y); Less(x1 x2); LessEqual(x1 x2); Linspace(start stop | num endpoint retstep dtype axis); Log(x);
        Log10(x); Log1p(x); Log2(x); Logaddexp(x1 x2); Logaddexp2(x1 x2); LogicalAnd(x1 x2); LogicalNot(x); LogicalOr(x1
        x2); LogicalXor(x1 x2); Logspace(start stop | num endpoint base dtype axis); Matmul(x1 x2); Max(x | axis
        keepdims initial); Maximum(x1 x2); Mean(x | axis keepdims); Median(x | axis keepdims); Meshgrid(*x | indexing);
        Min(x | axis keepdims initial); Minimum(x1 x2); Mod(x1 x2); Moveaxis(x | source destination); Multiply(x1 x2);
        Nanargmax(x | axis keepdims); Nanargmin(x | axis keepdims); Nancumprod(x | axis dtype); Nancumsum(x | axis
        dtype); Nanmax(x | axis keepdims); Nanmean(x | axis keepdims); Nanmedian(x | axis keepdims); Nanmin(x | axis
        keepdims); Nanpercentile(x q | axis method keepdims); Nanprod(x | axis keepdims); Nanquantile(x q | axis method
        keepdims); Nanstd(x | axis keepdims); Nansum(x | axis keepdims); NanToNum(x | nan posinf neginf); Nanvar(x |
        axis keepdims); Ndim(x); Negative(x); Nextafter(x1 x2); Nonzero(x); NotEqual(x1 x2); OnesLike(x | dtype);
        Outer(x1 x2); Pad(x constant_values | pad_width mode); Percentile(x q | axis method keepdims); Power(x1 x2);
        Prod(x | axis keepdims dtype); Ptp(x | axis keepdims); Quantile(x q | axis method keepdims); Rad2deg(x);
        Ravel(x); Real(x); Reciprocal(x); Repeat(x | repeats axis); Reshape(x | newshape); RightShift(x y); Roll(x |
        shift axis); Rot90(array | k axes); Round(x | decimals); searchsorted=SearchSorted(sorted_sequence values |
        side); Select(condlist choicelist default); Sign(x); Signbit(x); Sin(x); Sinc(x); Sinh(x); Size(x); Slogdet(x);
        Sort(x | axis); Split(x | indices_or_sections axis); Sqrt(x); Square(x); Squeeze(x | axis); Stack(x | axis);
        Std(x | axis keepdims); Subtract(x1 x2); Sum(x | axis keepdims); Swapaxes(x | axis1 axis2); Take(x indices |
        axis); TakeAlongAxis(x indices | axis); Tan(x); Tanh(x); Tensordot(x1 x2 | axes); Tile(x | repeats); Trace(x |
        offset axis1 axis2); Transpose(x | axes); Trapezoid(y | x dx axis); Tril(x | k); Triu(x | k); TrueDivide(x1 x2);
        Trunc(x); Unique(x | sorted return_index return_inverse return_counts axis size fill_value);
        UnravelIndex(indices | shape); Vander(x | N increasing); Var(x | axis keepdims); Vdot(x1 x2); View(x | dtype);
        Vsplit(x | indices_or_sections); Vstack(xs); Where(condition x1 x2); ZerosLike(x | dtype)
    """,
    "keras.src.activations.activations": """
        Mish(x); relu=ReLU(x | negative_slope max_value threshold)
    """,
}


class KerasOperation(NamedTuple):
    """One class of Keras's operations.

    Attributes:
        module, class_name: as files name it.
        op: the name of the op.
        inputs: the arguments of its call; ``"*operands"`` stands for any number of them behind the settings.
        settings: the arguments that its configuration holds.
    """

    module: str
    class_name: str
    op: str
    inputs: tuple[str, ...]
    settings: tuple[str, ...]

    def call(self, settings: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Apply the op to the arguments of a call that was read from a file."""
        function = _function(self) or _unknown(self.class_name, self.module)
        given = {name: value for name, value in settings.items() if name in self.settings}
        if self.inputs[0].startswith("*"):
            return function(*given.values(), *args, **kwargs)
        if self.op == "get_item":
            args = [args[0], tuple(args[1]) if isinstance(args[1], list) else args[1]]
        leading = tuple(inspect.signature(function).parameters)[: len(args)] == self.inputs[: len(args)]
        if leading:
            return function(*args, **given, **kwargs)
        return function(**dict(zip(self.inputs, args, strict=False)), **given, **kwargs)


def find(module: str, class_name: str) -> KerasOperation:
    """The operation that a file names.

    Raises:
        UnknownNameError: there is no such op.

    >>> find("keras.src.ops.numpy", "ExpandDims").op
    'expand_dims'
    """
    found = _by_class().get((module, class_name))
    return found if found is not None and _function(found) is not None else _unknown(class_name, module)


def by_class(class_name: str) -> KerasOperation | None:
    """The operation of this class, in whichever module; files in the older format leave the module out."""
    return next((one for (_, name), one in _by_class().items() if name == class_name), None)


def by_op(name: str) -> KerasOperation | None:
    """The operation that stands for an op ("expand_dims"), or ``None``."""
    return _by_op().get(name)


def describe(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[Any]] | None:
    """A call of an op as Keras's files have it: module, class and settings, and the arguments of the call.

    ``None`` where Keras has no such op, or cannot keep one of the settings (a tensor).
    """
    known = _by_op().get((getattr(operation, "name", None) or operation.__name__).strip("_"))
    if known is None:
        return None
    if known.inputs[0].startswith("*"):
        operands, settings = list(args[0]), dict(kwargs)
    else:
        bound = inspect.signature(operation).bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        operands = [given[name] for name in known.inputs if name in given]
        settings = {name: given[name] for name in known.settings if name in given}
    if any(has_symbolic(value) or isinstance(value, (Tensor, np.ndarray)) for value in settings.values()):
        return None
    if known.op == "get_item":
        operands[1] = _key(operands[1])
    config = {name: _plain(value) for name, value in settings.items()}
    return {"module": known.module, "class_name": known.class_name, "config": config}, operands


def _key(key: Any) -> Any:
    """What stands in brackets; a list of places is told from several keys by being an array."""
    if isinstance(key, tuple):
        return [_key(part) for part in key]
    return np.asarray(key) if isinstance(key, list) else key


def _plain(value: Any) -> Any:
    """A setting in JSON's types."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.dtype, type)):
        return dtype_name(value)
    return value


def _function(known: KerasOperation) -> Callable[..., Any] | None:
    place: Any = activations if "activations" in known.module else ops
    found = getattr(place, known.op, None) or getattr(image, known.op, None)
    return found if callable(found) else None


def _unknown(class_name: str, module: str) -> NoReturn:
    known = [name for (place, name), one in _by_class().items() if place == module and _function(one) is not None]
    raise UnknownNameError.among("operation", class_name, known)


@functools.cache
def _by_class() -> dict[tuple[str, str], KerasOperation]:
    found = {}
    for module, text in _TABLE.items():
        for op, class_name, inside in re.findall(r"(?:(\w+)=)?(\w+)\(([^)]*)\)", text):
            inputs, _, settings = inside.partition("|")
            made = KerasOperation(
                module, class_name, op or snake_case(class_name), tuple(inputs.split()), tuple(settings.split())
            )
            found[module, class_name] = made
    return found


@functools.cache
def _by_op() -> dict[str, KerasOperation]:
    """The class that a drawn call is written as: the ops', not the activations'."""
    return {one.op: one for (module, _), one in _by_class().items() if ".ops." in module}
