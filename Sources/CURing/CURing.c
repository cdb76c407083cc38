#include "CURing.h"

__thread struct martlet_thread martlet_thread;
