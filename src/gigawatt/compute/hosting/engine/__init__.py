"""A serving engine, request by request: batching, memory, caches and routing over many replicas.

`config` says what is simulated, `latency` how long a batch takes, `simulate` runs it, `results`
holds what came out. The others are the compiled kernel: `columns` names its arrays, `blocks` keeps
the KV cache, `batching` forms batches, `routing` picks replicas, `stepping` runs batches, `kernel`
is the loop over events. Modules are imported by name; Numba loads with the kernel only.
"""
