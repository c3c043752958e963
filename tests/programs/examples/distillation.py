"""A small network learns from a larger one: the loss of a batch is computed by the model's own method."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(21)


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher = teacher
        self.student = student

    def compile(self, optimizer, metrics, student_loss_fn, distillation_loss_fn, alpha=0.1, temperature=3):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss_fn = student_loss_fn
        self.distillation_loss_fn = distillation_loss_fn
        self.alpha = alpha
        self.temperature = temperature

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False, training=True):
        teacher_pred = self.teacher(x, training=False)
        student_loss = self.student_loss_fn(y, y_pred)
        distillation_loss = self.distillation_loss_fn(
            ops.softmax(teacher_pred / self.temperature, axis=1),
            ops.softmax(y_pred / self.temperature, axis=1),
        ) * (self.temperature**2)
        return self.alpha * student_loss + (1 - self.alpha) * distillation_loss

    def call(self, x):
        return self.student(x)


def network(units, name):
    return keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(units, 3, strides=2, padding="same"), layers.LeakyReLU(negative_slope=0.2),
         layers.Flatten(), layers.Dense(3)],
        name=name,
    )  # fmt: skip


x = np.random.rand(60, 6, 6, 1).astype("float32")
y = np.argmax(x[:, 0, :3, 0], axis=1)
teacher, student = network(12, "teacher"), network(4, "student")
student_scratch = keras.models.clone_model(student)
teacher.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
teacher.fit(x, y, epochs=12, verbose=0)
teacher.evaluate(x, y, verbose=0)
frozen = [w.copy() for w in teacher.get_weights()]
distiller = Distiller(student=student, teacher=teacher)
distiller.compile(
    optimizer=keras.optimizers.Adam(0.02),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
    student_loss_fn=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    distillation_loss_fn=keras.losses.KLDivergence(),
    alpha=0.1,
    temperature=10,
)
teacher.trainable = False
history = distiller.fit(x, y, epochs=12, verbose=0)
print(history.history["sparse_categorical_accuracy"])
assert history.history["loss"][-1] < history.history["loss"][0]
assert all(np.array_equal(a, b) for a, b in zip(frozen, teacher.get_weights()))
print(distiller.evaluate(x, y, verbose=0))
