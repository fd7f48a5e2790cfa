"""The pure core of allybin: a batch and a policy in, a verified proposal out.

Nothing in this package reads a file, opens a connection, looks at a clock or prints.
The modules are the pipeline, in the order the data flows::

    batch, catalogue, policy, rulings   the values everything else speaks of
    compatibility                       which two requests may share a bin, and why not
    cost                                what a bin costs, defined once
    graph, clusters                     the cell graph and its independent parts
    pricing                             the best bin under given duals, exactly
    selection                           the set partition, solved with a proven bound
    proposal                            every figure a reviewer sees
    verify                              all of it recomputed by other code
    propose, why                        the two questions a caller asks
"""
