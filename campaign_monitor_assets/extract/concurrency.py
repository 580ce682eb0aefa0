"""Many tasks at once over a few connections; threads are used here alone.

A task is a generator: it yields batches of independent requests and receives their responses in
order.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")
Returned = TypeVar("Returned")

Task = Generator[Sequence[Request], Sequence[Response], Returned]


def together(
    tasks: Sequence[Task[Request, Response, Returned]],
) -> Task[Request, Response, list[Returned]]:
    """Makes one task of several: each of its batches holds the next requests of all of them."""
    returned: dict[int, Returned] = {}
    batches: dict[int, Sequence[Request]] = {}

    def advance(place: int, responses: list[Response] | None) -> None:
        try:
            task = tasks[place]
            batches[place] = next(task) if responses is None else task.send(responses)
        except StopIteration as stop:
            returned[place] = stop.value

    for place in range(len(tasks)):
        advance(place, None)
    while batches:
        waiting, batches = batches, {}
        responses = iter((yield [request for batch in waiting.values() for request in batch]))
        for place, batch in waiting.items():
            advance(place, [next(responses) for _ in batch])
    return [returned[place] for place in range(len(tasks))]


@dataclass
class _Job(Generic[Request, Response]):
    """A task that waits for the responses to its last batch."""

    task: Task[Request, Response, None]
    batch: Sequence[Request] = ()
    responses: dict[int, Response] = field(default_factory=dict)

    def advance(self) -> bool:
        """Hands over the responses and takes the next batch; False where the task has ended."""
        try:
            if self.batch:
                responses = [self.responses[place] for place in range(len(self.batch))]
                self.batch = self.task.send(responses)
            else:
                self.batch = next(self.task)
        except StopIteration:
            return False
        self.responses = {}
        return True


class TaskRunner(Generic[Request, Response]):
    """Runs tasks, only as many at a time as keep all connections busy.

    Args:
        fetch: Sends one request and returns its response; called from several threads.
        connections: The number of threads.
        answered: Called with each response, in this thread.
        expected: Called with the number of requests in each batch after a task's first.
        abort: Called at the first exception, to end the requests in flight.
    """

    def __init__(
        self,
        fetch: Callable[[Request], Response],
        *,
        connections: int,
        answered: Callable[[Response], None],
        expected: Callable[[int], None],
        abort: Callable[[], None],
    ) -> None:
        self._fetch = fetch
        self._connections = connections
        self._answered = answered
        self._expected = expected
        self._abort = abort
        self._waiting: deque[tuple[_Job[Request, Response], int]] = deque()
        self._running: dict[Future[Response], tuple[_Job[Request, Response], int]] = {}

    def run(self, tasks: Iterator[Task[Request, Response, None]]) -> None:
        """Runs all tasks to their end; the first exception stops all of them and is raised."""
        with ThreadPoolExecutor(self._connections, "page") as pool:
            try:
                while True:
                    self._submit(pool, tasks)
                    if not self._running:
                        return
                    for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                        self._take(future)
            except BaseException:
                self._abort()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _submit(
        self, pool: ThreadPoolExecutor, tasks: Iterator[Task[Request, Response, None]]
    ) -> None:
        # One request per thread is queued, so that no thread waits for this one.
        while len(self._running) < 2 * self._connections:
            if self._waiting:
                job, place = self._waiting.popleft()
                self._running[pool.submit(self._fetch, job.batch[place])] = (job, place)
            elif (task := next(tasks, None)) is not None:
                self._advance(_Job(task))
            else:
                return

    def _take(self, future: Future[Response]) -> None:
        job, place = self._running.pop(future)
        job.responses[place] = future.result()
        self._answered(job.responses[place])
        if len(job.responses) == len(job.batch) and self._advance(job):
            self._expected(len(job.batch))

    def _advance(self, job: _Job[Request, Response]) -> bool:
        unfinished = job.advance()
        if unfinished:
            # Tasks that have begun go first, so that few are open at a time.
            places = reversed(range(len(job.batch)))
            self._waiting.extendleft((job, place) for place in places)
        return unfinished
