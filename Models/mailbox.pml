/* The mailbox of a reactor and its sleeping flag: Sources/Reactor/Mailbox/Mailbox.swift, and of
 * Sources/Reactor/Loop/ReactorLoop.swift what makes use of them: run, prepare, wait, noteWake.
 *
 * To be checked by `Models/check`, exhaustively: every interleaving of PRODUCERS threads that post
 * POSTS chunks each with one reactor that takes them, sleeps, is woken, and at last closes.
 *
 * Promised, and asserted below:
 *  - no wake is lost: the reactor never sleeps for ever while a chunk is there. A lost wake is an
 *    invalid end state, in which everybody has stopped, and the reactor is not at its end. Where the
 *    wait can end otherwise (-DSTOPS, -DOTHER_EVENTS) there is no such state, and it is asserted
 *    that nothing had to come to the rescue: `needsNoRescue`;
 *  - every chunk that post() accepted is taken exactly once, those of one producer in its order;
 *  - a chunk that post() refused is never taken.
 *
 * Variants: -DPOLLS has passes that do not sleep in between, -DOTHER_EVENTS waits that end without a
 * wake, -DSTOPS a reactor that is told to stop at any moment, -DCUTS passes that look at a part only of
 * what they have taken.
 *
 * Not in the model:
 *  - a port that is used again after `close`: `Mailbox.open`, and a slow producer that posts to the
 *    next reactor what was meant for the last one (it is told apart by `reactorNumber`);
 *  - what producers read beside the mailbox: whether the port is live, the queue's counters;
 *  - `letPublishersGoOn`, which takes what is posted a second time in a pass, and posts of the
 *    reactor to itself;
 *  - memory weaker than TSO. Only the orders that the code names are relied on there, and nothing here
 *    checks that they suffice on ARM.
 *
 * Memory. `newest` is changed by read-modify-write operations only, which are atomic and flush the
 * thread's store buffer. `isSleeping` is stored to by plain stores: a sequentially consistent one is
 * visible before the thread goes on, a relaxed one waits in the thread's store buffer until some
 * later moment, and the thread itself sees it at once. A relaxed load of `newest` may be stale: it may
 * say `empty` although a chunk is there. That is what x86 (TSO) does, and more than it does.
 *
 * Each mutation (-DNAME) takes one thing away, and must be found: see `Models/check`.
 */

#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef POSTS
#define POSTS 2
#endif
#define CHUNKS (PRODUCERS * POSTS)

/* Chunk c of producer p is 1 + p * POSTS + c. */
#define EMPTY 0
#define CLOSED 255

byte newest = EMPTY;          /* Mailbox.newest */
byte next[CHUNKS + 1];        /* MailboxEntry.next */
byte taken = EMPTY;           /* ReactorState.taken: out of the mailbox, and not looked at yet */
bool isSleeping = false;      /* Mailbox.isSleeping, as all threads see it */
bool signalled = false;       /* the eventfd has been written to since the reactor last waited */
bool isClosed = false;        /* what the checks below need to know */

bool accepted[CHUNKS + 1];    /* post() has said true */
bool refused[CHUNKS + 1];     /* post() has said false */
byte takenCount[CHUNKS + 1];
byte lastTaken[PRODUCERS];    /* for the order */
byte finished = 0;            /* producers that are done */

/* The reactor's store buffer: its last relaxed store to isSleeping, if it is not visible yet. */
bool hasBuffered = false;
bool buffered = false;

inline flush() { if :: hasBuffered -> isSleeping = buffered; hasBuffered = false :: else fi }

inline storeRelaxed(value) { hasBuffered = true; buffered = value }

#ifdef RELAXED_STORE
/* Mutation: prepareToSleep's store is not sequentially consistent. */
inline storeSequentiallyConsistent(value) { storeRelaxed(value) }
#else
inline storeSequentiallyConsistent(value) { atomic { isSleeping = value; hasBuffered = false } }
#endif

/* A buffered store becomes visible at any moment. */
active proctype storeBuffer() {
end:
  do :: atomic { hasBuffered -> isSleeping = buffered; hasBuffered = false } od
}

proctype producer(byte number) {
  byte seen, chunk, count;
  bool done;
  count = 0;
  do
  :: count < POSTS ->
    chunk = 1 + number * POSTS + count;
    count++;
    /* post: var seen = newest.load(ordering: .relaxed), which the exchange below verifies. */
    seen = newest;
    done = false;
    do
    :: done -> break
    :: !done && seen == CLOSED -> break                    /* guard seen != Self.closed */
    :: !done && seen != CLOSED ->
      next[chunk] = seen;                                  /* entry.pointee.next = seen */
      atomic {                                             /* weakCompareExchange */
        if
        :: newest == seen -> newest = chunk; done = true; accepted[chunk] = true
        :: seen = newest                                   /* it has failed, also for no reason */
        fi
      }
    od;
    if
    :: !done -> refused[chunk] = true
    :: done ->
#ifndef NO_WAKE
      if
      :: isSleeping ->                                     /* isSleeping.load(.sequentiallyConsistent) */
        bool was;
        atomic { was = isSleeping; isSleeping = false }    /* isSleeping.exchange(false) */
        if
        :: was -> signalled = true                         /* wake() */
        :: else
        fi
      :: else
      fi
#else
      skip
#endif
    fi
  :: else -> break
  od;
  atomic { finished++ }
}

/* reversed(): chunks in the order of their posting, from `taken` on. */
inline reverse(last) {
  atomic {
    byte rest, following;
    rest = last; taken = EMPTY;
    do
    :: rest != EMPTY -> following = next[rest]; next[rest] = taken; taken = rest; rest = following
    :: else -> break
    od
  }
}

inline takeOne() {
  assert(takenCount[taken] == 0);                          /* exactly once */
  assert(accepted[taken] && !refused[taken]);
  assert(lastTaken[(taken - 1) / POSTS] < taken);          /* in the producer's order */
  takenCount[taken] = 1;
  lastTaken[(taken - 1) / POSTS] = taken;
  taken = next[taken]
}

inline takeAllOfThem() { atomic { do :: taken != EMPTY -> takeOne() :: else -> break od } }

/* takePosted: take of each chunk, as far as there is time. */
inline takeSome() {
#ifdef CUTS
  atomic { do :: taken != EMPTY -> takeOne() :: true -> break od }
#else
  takeAllOfThem()
#endif
}

/* What ends the wait must not be all that can: a chunk is there, all who have posted are done with
   waking, and the eventfd has not been written to. */
inline needsNoRescue() {
  assert(!(finished == PRODUCERS && newest != EMPTY && !signalled));
  assert(taken == EMPTY)
}

active proctype reactor() {
  byte last;
  bool mayLeave = false, maySleep;
  do
  :: true ->
    /* run: while !isDone { wait(prepare()) }. Here it is done when all producers are, or when it has
       been told to stop. */
    if
    :: finished == PRODUCERS && newest == EMPTY && taken == EMPTY -> break
    :: mayLeave -> break
    :: true -> skip
    fi;

    /* prepare: takePosted(), Mailbox.takeAll */
    if
    :: taken == EMPTY && newest != EMPTY && newest != CLOSED -> /* guard newest.load(.relaxed) > closed */
      atomic { last = newest; newest = EMPTY; flush() };   /* newest.exchange(Self.empty) */
      reverse(last)                                        /* reversed */
    :: true -> skip                                        /* the load was stale */
    fi;
    takeSome();

    /* prepare: if bounds.timeoutNanoseconds != 0, */
    maySleep = false;
    if
#ifndef SLEEPS_WITH_REST
    :: taken != EMPTY -> skip                              /* timeoutNanoseconds is 0: work is left */
#endif
#ifdef POLLS
    :: true -> skip                                        /* timeoutNanoseconds is 0: work is left */
#endif
#ifdef SLEEPS_WITH_REST
    :: true ->
#else
    :: taken == EMPTY ->
#endif
      /* prepare: !mailbox.prepareToSleep() */
      storeSequentiallyConsistent(true);                   /* isSleeping.store(true) */
#ifdef NO_SECOND_LOOK
      maySleep = true
#else
      if
      :: newest == EMPTY -> maySleep = true                /* guard newest.load() == Self.empty */
      :: newest != EMPTY -> storeRelaxed(false)            /* timeoutNanoseconds = 0 */
      fi
#endif
    fi;

    /* wait: backend.wait(bounds), until the eventfd is written to, or something else completes. */
    if
    :: !maySleep -> skip
    :: signalled -> skip
#ifdef STOPS
    :: atomic { maySleep -> needsNoRescue(); mayLeave = true }
#endif
#ifdef OTHER_EVENTS
    :: atomic { maySleep -> needsNoRescue() }
#endif
    :: finished == PRODUCERS && newest == EMPTY && taken == EMPTY -> skip /* nothing more will come */
    fi;
    signalled = false;                                     /* the edge is taken */
    /* wait: noteWake(), in the first completion or behind the last: wake, Mailbox.hasWoken */
    storeRelaxed(false)                                    /* isSleeping.store(false, .relaxed) */
  od;

  /* tearDown: ReactorPort.close, Mailbox.close */
  takeAllOfThem();
  atomic { last = newest; newest = CLOSED; isClosed = true; flush() };
  reverse(last);
  takeAllOfThem();
  /* Nobody posts any more: what was accepted has been taken. */
  finished == PRODUCERS;
  byte chunk = 1;
  do
  :: chunk <= CHUNKS ->
    assert(accepted[chunk] != refused[chunk]);
    assert(takenCount[chunk] == accepted[chunk]);
    chunk++
  :: else -> break
  od
}

init {
  atomic {
    byte number = 0;
    do
    :: number < PRODUCERS -> run producer(number); number++
    :: else -> break
    od
  }
}
