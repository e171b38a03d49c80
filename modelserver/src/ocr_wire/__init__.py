"""What the gateway and the model server say to each other: the infer protocol, decoded images, results.

It imports neither program, so that both can be built and released apart.
"""
