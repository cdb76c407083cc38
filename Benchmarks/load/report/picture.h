// A picture of a histogram: how many values there are of each magnitude.
#pragma once

#include <stdio.h>

#include "report/histogram.h"

void print_picture(const struct histogram *histogram, FILE *to);

/// Writes a file. Ends the program if that fails.
void write_svg(const struct histogram *histogram, const char *title, const char *path);
