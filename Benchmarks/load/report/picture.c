#include "report/picture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "client/process.h"

enum { ROWS_MAX = 18, BAR_WIDTH = 50, SVG_WIDTH = 800, SVG_ROW = 22, SVG_TOP = 60, SVG_LEFT = 150,
       SVG_BAR = 520 };

/// Rows of equal ratio between their ends.
struct rows {
  unsigned count;
  double most;  // of the fullest row
  struct row {
    uint64_t first, last, count;
    double share_up_to;  // in percent, of all values
  } all[ROWS_MAX];
};

static struct rows make_rows(const struct histogram *h) {
  struct rows rows = {.count = ROWS_MAX};
  uint64_t from = least(h), seen = 0;
  if (from == 0) from = 1;
  double ratio = pow((double)(h->max + 1) / (double)from, 1.0 / ROWS_MAX);
  if (ratio < 1.02) ratio = 1.02;
  double begin = (double)from;
  for (unsigned i = 0; i < ROWS_MAX; i++, begin *= ratio) {
    struct row *row = &rows.all[i];
    // Whole buckets: a value is in one row, and in one only.
    row->first = i == 0 ? 0 : rows.all[i - 1].last + 1;
    bool is_last = i == ROWS_MAX - 1;
    row->last = is_last ? UINT64_MAX >> 1 : bucket_last(bucket_of((uint64_t)(begin * ratio)));
    for (unsigned b = 0; b < BUCKET_COUNT; b++)
      if (bucket_first(b) >= row->first && bucket_first(b) <= row->last) row->count += h->counts[b];
    seen += row->count;
    row->share_up_to = 100.0 * (double)seen / (double)h->total;
    if ((double)row->count > rows.most) rows.most = (double)row->count;
    if (seen == h->total) {
      rows.count = i + 1;
      row->last = h->max;
      break;
    }
  }
  return rows;
}

static void format_time(char text[24], uint64_t nanoseconds) {
  double value = (double)nanoseconds;
  if (value < 1e6)
    snprintf(text, 24, "%.1f us", value / 1e3);
  else if (value < 1e9)
    snprintf(text, 24, "%.2f ms", value / 1e6);
  else
    snprintf(text, 24, "%.2f s", value / 1e9);
}

void print_picture(const struct histogram *h, FILE *to) {
  if (h->total == 0) return;
  struct rows rows = make_rows(h);
  for (unsigned i = 0; i < rows.count; i++) {
    const struct row *row = &rows.all[i];
    char until[24], bar[BAR_WIDTH + 1];
    format_time(until, row->last);
    int width = (int)ceil((double)row->count / rows.most * BAR_WIDTH);
    memset(bar, '#', BAR_WIDTH);
    bar[width] = 0;
    fprintf(to, "  <= %10s |%-*s %" PRIu64 " (%.4g %%)\n", until, BAR_WIDTH, bar, row->count,
            row->share_up_to);
  }
}

static void put_escaped(const char *text, FILE *to) {
  for (; *text; text++) {
    if (strchr("<>&\"", *text))
      fprintf(to, "&#%d;", *text);
    else
      fputc(*text, to);
  }
}

void write_svg(const struct histogram *h, const char *title, const char *path) {
  static const double marks[] = {50, 90, 99, 99.9, 99.99, 100};
  struct rows rows = h->total > 0 ? make_rows(h) : (struct rows){.count = 0};
  FILE *to = fopen(path, "w");
  if (!to) give_up(FAILED, "%s: %s", path, strerror(errno));
  fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
          "font-family=\"sans-serif\" font-size=\"13\">\n"
          "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
          "<text x=\"16\" y=\"24\" font-size=\"16\">", SVG_WIDTH,
          SVG_TOP + (int)rows.count * SVG_ROW + 16);
  put_escaped(title, to);
  fputs("</text>\n<text x=\"16\" y=\"44\" fill=\"#555\">", to);
  for (unsigned i = 0; i < sizeof marks / sizeof marks[0]; i++) {
    char time[24];
    format_time(time, percentile(h, marks[i]));
    if (marks[i] < 100)
      fprintf(to, "p%g %s &#160; ", marks[i], time);
    else
      fprintf(to, "max %s</text>\n", time);
  }
  for (unsigned i = 0; i < rows.count; i++) {
    const struct row *row = &rows.all[i];
    int y = SVG_TOP + (int)i * SVG_ROW;
    double width = (double)row->count / rows.most * SVG_BAR;
    char until[24];
    format_time(until, row->last);
    if (row->count > 0 && width < 1) width = 1;
    fprintf(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">&#8804; %s</text>"
            "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#3a6ea5\"/>"
            "<text x=\"%.1f\" y=\"%d\" fill=\"#555\">%" PRIu64 "</text>\n",
            SVG_LEFT - 10, y + 15, until, SVG_LEFT, y + 3, width, SVG_ROW - 6,
            SVG_LEFT + width + 6, y + 15, row->count);
  }
  fputs("</svg>\n", to);
  if (fclose(to) != 0) give_up(FAILED, "%s: %s", path, strerror(errno));
}
