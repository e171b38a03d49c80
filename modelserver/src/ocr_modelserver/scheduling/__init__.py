"""Who is read when: fair turns, one set of threads, admission by the time that would be waited.

`queue` (pure) says whose turn it is, `pace` (pure) how long work takes, `batch` shares the lines of one page,
`job` is one piece of work, and `scheduler` has the threads.
"""
