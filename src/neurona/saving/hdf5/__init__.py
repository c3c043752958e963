"""A reader of HDF5, as far as model files need it.

The library that everybody uses for HDF5 is written in C, follows links into other files, and crashes or loops on damaged
bytes; none of that may happen to somebody who opens a stranger's model. This one is small, plain Python, reads from
bytes in memory alone, checks every offset and size before it uses it, and knows just the subset that h5py writes for
model files. What lies beyond the subset is refused by name. The checksums of arrays are compared; those of headers, which
few files have, are not: what they tell is checked by itself.

    blocks      bytes with checked bounds, numbers, and a limit on the work a file may cause
    headers     superblock and object headers: an object is a list of messages
    groups      names and what they lead to
    types       shapes and types of arrays and attributes
    attributes  small values beside an object, texts in the global heap among them
    arrays      the numbers themselves: contiguous, compact, in chunks
    fletcher    the checksum of a chunk

Source: "HDF5 File Format Specification, version 3.0", The HDF Group.
"""
