"""Compiles functions of planes into one vectorized loop on the CPU, without a C++ compiler.

Shading is some hundred operations on planes. Run one by one, each passes over memory. Here they are traced once
(`trace`), emitted as one loop (`emit_llvm`) and compiled by numba's LLVM (`machine_llvm`), in about a second. The rest
of ondr uses `loop`. Nothing here depends on what is computed.
"""
