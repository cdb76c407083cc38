#include "CURing.h"

__thread void *martlet_current_reactor;
