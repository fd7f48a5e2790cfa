"""The compiled inner loops. All of them compute in exact 64-bit integers.

candidates
    which earlier items an anchor may share a bin with
anchor, closure
    the bin that violates given duals most
moves
    local search on a plan

Compiled functions take arrays, not objects: long signatures are the price. The arrays
are those of :class:`optimizer.instance.Instance`, under the same names.
"""
