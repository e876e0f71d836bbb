"""OCI images: layouts read and written, layers unpacked, bundles made. A library that prints nothing.

Whatever an image holds is hostile. tarfile reads and writes single headers, zlib, lzma and zstandard the compressed
streams, hashlib the digests; what an archive may do to a file system is decided here.
"""
