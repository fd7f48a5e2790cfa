"""The compiled inner loops. All of them compute in exact 64-bit integers.

candidates
    which earlier items an anchor may share a bin with
anchor, with local, partial, relaxation, choice, value and deciding
    the bin that violates given duals most
halves, with nesting, nested and cliques
    tighter bounds for the few anchors that need many nodes
climb, with exchange
    bins that violate them, near bins that are known
triples
    the cuts that a fractional point violates
moves
    ruin and recreate on a plan

Compiled functions take arrays, named together in tuples where they are many. The arrays
are those of :class:`optimizer.instance.Instance`, under the same names.
"""
