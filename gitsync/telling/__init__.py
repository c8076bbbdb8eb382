"""What others hear of the work: typed events, and those who listen to them: status, metrics, the two report files.

Observers are called on the worker's thread; HTTP threads read what they keep.
"""
