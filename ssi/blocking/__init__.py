"""A synchronous view of any façade, for Django, Flask, job workers and scripts.

Source:  decision 16 of the design (``docs/adr/0001``).
Input:   ``blocking(Issuer)`` is a class whose constructor and class methods give views, ``blocking(issuer)`` is a view,
         ``blocking(open_office)`` is a function that waits for the coroutine function and gives a view.
Shapes:  coroutine methods become plain methods, asynchronous generators become iterators, asynchronous context managers
         become context managers; a result that has asynchronous methods of its own comes back as a view, any other
         comes back as it is. Views are unwrapped when they are given as arguments.
I/O:     everything runs on one background event loop per process, on a thread that the first use starts.
Errors:  what the façade raises, unchanged. UsageError: a call from the loop's own thread, or from a callback, which
         would wait for itself; a callback that does not end; a view that was opened before the process forked and
         cannot be opened again.

Threads may share a view: all of an object runs on the loop's thread, so nothing of it runs twice at a time but what
awaits. A view that came from a constructor, from ``open`` or from a function named ``open_…`` opens itself again, with
the same arguments, at its first use in a forked process: a prefork server may load it before it forks. Other calls
could act twice, so what they gave is refused there.

Plain functions that are given as arguments are called in the thread that waits for the call in which they are needed,
with its database connection, transaction and thread-local values. The loop stands still meanwhile, for all threads:
they must be quick, and neither use a view (UsageError) nor wait for another thread that does (UsageError after a
minute). Coroutine functions run on the loop and have no such limits.

``wait(issuer.issue(…))`` runs one coroutine and keeps its exact type, where views are dynamic for a type checker.
"""

from __future__ import annotations

from ssi.blocking.view import Blocking, blocking, unwrap, wait

__all__ = ["Blocking", "blocking", "unwrap", "wait"]
