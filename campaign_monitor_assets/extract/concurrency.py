"""Many tasks at once over a few connections.

A reading is a generator: it yields a batch of requests that don't depend on each other, and is sent
their answers in the same order. So what has to wait for what is told by plain code, and threads are
here alone.
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


@dataclass
class _Job(Generic[Request, Response]):
    """A reading that waits for the answers to its last batch."""

    task: Task[Request, Response, None]
    batch: Sequence[Request] = ()
    answers: dict[int, Response] = field(default_factory=dict)

    def advance(self) -> bool:
        """Hands over the answers and takes the next batch. False: the reading has ended."""
        try:
            if self.batch:
                answers = [self.answers[place] for place in range(len(self.batch))]
                self.batch = self.task.send(answers)
            else:
                self.batch = next(self.task)
        except StopIteration:
            return False
        self.answers = {}
        return True


class TaskRunner(Generic[Request, Response]):
    """Runs tasks, as few at a time as keep all connections busy.

    Args:
        fetch: Gets one answer; called from several threads.
        connections: How many of them.
        answered: Told each answer, in this thread.
        expected: Told how many further requests a reading needs after its first batch.
        abort: Called at the first exception, so that requests under way end soon.
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
        """Runs all tasks to their end; the first exception ends all, and is raised."""
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
        # A request for each thread stands ready, so that none waits for this one.
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
        job.answers[place] = future.result()
        self._answered(job.answers[place])
        if len(job.answers) == len(job.batch) and self._advance(job):
            self._expected(len(job.batch))

    def _advance(self, job: _Job[Request, Response]) -> bool:
        goes_on = job.advance()
        if goes_on:
            # What was begun goes before what was not, so that few tasks are open at a time.
            places = reversed(range(len(job.batch)))
            self._waiting.extendleft((job, place) for place in places)
        return goes_on
