"""Functions of planes as one loop of vector instructions on the CPU, without a C++ compiler.

Shading is some hundred operations on planes. Run one by one, each passes over memory; here they are written down once
(`trace`), turned into one loop (`emit_llvm`) and compiled by the LLVM that numba brings (`machine_llvm`), in a second.
`loop` is what the rest of ondr uses. Nothing here knows what is computed.
"""
