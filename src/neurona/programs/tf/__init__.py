"""The functions of `tensorflow` that programs for small networks touch, under its names, made of ours.

    arrays       making, shaping, joining and picking tensors     mathematics  sums, comparisons, linear algebra
    nn           tf.nn          image    tf.image                  draws        tf.random
    texts        tf.strings     files    tf.io                     data         tf.data
    tape         GradientTape, function, control flow              settings     tf.config, tf.device, tf.debugging
    checkpoints  tf.train       ragged   rows of different lengths
    types        tf.float32 ... methods  what only TensorFlow's tensors have
    data_folders the datasets of keras.utils, handing out tensors
    stepwise     TensorArray, masks of lengths, branches           lookup       tf.lookup
    image_parts  patches, edges and shades of tf.image

The argument `name`, which named a node of a graph, is taken everywhere and means nothing. A type is what it is in NumPy:
``tf.float32`` is ``numpy.dtype("float32")``, and ``tf.string`` is "string".
"""
