"""Between the network and the calls: limits, deadlines, headers, logs, one error shape.

Nothing here knows what a request or a bin is.
"""
