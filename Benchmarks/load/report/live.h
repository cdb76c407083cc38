// The line that moves while a run goes on.
#pragma once

#include "client/loop.h"

/// Shows it on stderr until all loops have carried out their command.
void watch_live(struct loop *loops, unsigned count);
