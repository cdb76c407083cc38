/* The mailbox of a reactor and its sleeping flag: Sources/Reactor/Mailbox/Mailbox.swift.
 *
 * To be checked by `Models/check`, exhaustively: every interleaving of PRODUCERS threads that post
 * POSTS chunks each with one reactor that takes them, sleeps, is woken, and at last closes.
 *
 * Promised, and asserted below:
 *  - no wake is lost: the reactor never sleeps for ever while a chunk is there (a lost wake is an
 *    invalid end state: everybody has stopped, and the reactor is not at its end);
 *  - every chunk that post() accepted is taken exactly once, those of one producer in its order;
 *  - a chunk that post() refused is never taken.
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
byte next[CHUNKS + 1];        /* SendChunk.next */
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
      next[chunk] = seen;                                  /* chunk.pointee.next = seen */
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

/* reversed(): chunks in the order of their posting. */
inline takeList(last) {
  atomic {
    byte rest, first, following, owner;
    rest = last; first = EMPTY;
    do
    :: rest != EMPTY -> following = next[rest]; next[rest] = first; first = rest; rest = following
    :: else -> break
    od;
    do
    :: first != EMPTY ->
      owner = (first - 1) / POSTS;
      assert(takenCount[first] == 0);                      /* exactly once */
      assert(accepted[first] && !refused[first]);
      assert(lastTaken[owner] < first);                    /* in the producer's order */
      takenCount[first] = 1;
      lastTaken[owner] = first;
      first = next[first]
    :: else -> break
    od
  }
}

active proctype reactor() {
  byte last;
  bool mayLeave = false;
  do
  :: true ->
    /* takeAll: the relaxed load may be stale. */
    if
    :: newest != EMPTY && newest != CLOSED ->
      atomic { last = newest; newest = EMPTY; flush() };   /* newest.exchange(Self.empty) */
      takeList(last)
    :: true -> skip
    fi;

    /* ReactorLoop.run: is there a reason to end? Here: all producers are done, or it is told to stop
       at any moment, as a job would. */
    if
    :: finished == PRODUCERS && newest == EMPTY -> break
    :: mayLeave -> break
    :: true -> skip
    fi;

    /* prepareToSleep */
    storeSequentiallyConsistent(true);                     /* isSleeping.store(true) */
#ifndef NO_SECOND_LOOK
    if
    :: newest != EMPTY -> storeRelaxed(false)              /* something came: it must not sleep */
    :: else ->
#endif
      /* Backend.wait: until the eventfd is written to, or something else completes. */
      if
      :: signalled -> skip
#ifdef STOPS
      :: mayLeave = true
#endif
#ifdef OTHER_EVENTS
      :: skip
#endif
      :: finished == PRODUCERS && newest == EMPTY -> skip  /* nothing more will come: the model ends */
      fi;
      signalled = false;                                   /* the edge is taken */
      storeRelaxed(false)                                  /* hasWoken */
#ifndef NO_SECOND_LOOK
    fi
#endif
  od;

  /* close */
  atomic { last = newest; newest = CLOSED; isClosed = true; flush() };
  takeList(last);
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
