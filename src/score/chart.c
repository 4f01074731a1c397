/* chart.c - see chart.h. Coordinates are written with one decimal: a tenth of a pixel. */
#include "score/chart.h"

#include <math.h>

void chart_escape(tft_text *text, const char *words)
{
    for (const char *at = words; *at != '\0'; at++) {
        if (*at == '&')
            tft_text_puts(text, "&amp;");
        else if (*at == '<')
            tft_text_puts(text, "&lt;");
        else if (*at == '>')
            tft_text_puts(text, "&gt;");
        else if (*at == '"')
            tft_text_puts(text, "&quot;");
        else
            tft_text_add(text, at, 1);
    }
}

static double px(const chart *c, double x)
{
    return c->left + (c->width - c->left - c->right) * (x - c->x0) / (c->x1 - c->x0);
}

static double py(const chart *c, double y)
{
    const double inside = fmin(fmax(y, c->y0), c->y1);
    return c->top + (c->height - c->top - c->bottom) * (1 - (inside - c->y0) / (c->y1 - c->y0));
}

chart chart_open(tft_text *text, double width, double height, double x0, double x1, double y0, double y1,
                 const char *about)
{
    const chart c = {text, width, height, 52, 14, 14, 34, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1};
    tft_text_printf(text, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height);
    chart_escape(text, about);
    tft_text_puts(text, "\">");
    return c;
}

void chart_close(const chart *c)
{
    tft_text_puts(c->text, "</svg>\n");
}

double chart_round_step(double range, size_t n)
{
    const double rough = range / (double)n, power = pow(10, floor(log10(rough > 0 ? rough : 1)));
    const double lead = rough / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

void chart_grid_y(const chart *c, size_t n, bool percent, const char *label)
{
    const double step = chart_round_step(c->y1 - c->y0, n);
    for (double y = ceil(c->y0 / step - 1e-9) * step; y <= c->y1 + 1e-9 * step; y += step) {
        tft_text_printf(c->text,
                        "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">",
                        c->left, py(c, y), c->width - c->right, c->left - 7, py(c, y) + 3.5);
        tft_text_printf(c->text, percent ? "%.3g %%</text>" : "%.3g</text>",
                        percent           ? 100 * y
                        : fabs(y) < 1e-12 ? 0
                                          : y);
    }
    if (label != NULL) {
        tft_text_printf(c->text, "<text class=\"axis\" transform=\"translate(12 %.1f) rotate(-90)\">",
                        c->top + (c->height - c->top - c->bottom) / 2);
        chart_escape(c->text, label);
        tft_text_puts(c->text, "</text>");
    }
}

void chart_tick_x(const chart *c, double x, const char *word)
{
    tft_text_printf(c->text, "<path class=\"stub\" d=\"M%.1f %.1fv4\"/><text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">",
                    px(c, x), c->height - c->bottom, px(c, x), c->height - c->bottom + 15);
    chart_escape(c->text, word);
    tft_text_puts(c->text, "</text>");
}

void chart_label_x(const chart *c, const char *label)
{
    tft_text_printf(c->text, "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\">",
                    c->left + (c->width - c->left - c->right) / 2, c->height - 3);
    chart_escape(c->text, label);
    tft_text_puts(c->text, "</text>");
}

void chart_line(const chart *c, const double *x, const double *y, size_t n, const char *class)
{
    bool pen = false;
    tft_text_printf(c->text, "<path class=\"line %s\" d=\"", class);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(y[i]))
            tft_text_printf(c->text, "%s%.1f %.1f", pen ? "L" : "M", px(c, x[i]), py(c, y[i]));
        pen = isfinite(y[i]);
    }
    tft_text_puts(c->text, "\"/>");
}

void chart_band(const chart *c, const double *x, const double *low, const double *high, size_t n, const char *class)
{
    tft_text_printf(c->text, "<path class=\"area %s\" d=\"", class);
    for (size_t i = 0; i < n; i++)
        tft_text_printf(c->text, "%s%.1f %.1f", i == 0 ? "M" : "L", px(c, x[i]), py(c, high[i]));
    for (size_t i = n; i-- > 0;)
        tft_text_printf(c->text, "L%.1f %.1f", px(c, x[i]), py(c, low[i]));
    tft_text_puts(c->text, "Z\"/>");
}

void chart_bar(const chart *c, double x_from, double x_to, double y, const char *class)
{
    tft_text_printf(c->text,
                    "<rect class=\"area %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1.5\"/>", class,
                    px(c, x_from), py(c, y), px(c, x_to) - px(c, x_from), py(c, c->y0) - py(c, y));
}

void chart_dot(const chart *c, double x, double y, double radius, const char *class, const char *tip)
{
    tft_text_printf(c->text, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>", class, px(c, x),
                    py(c, y), radius);
    chart_escape(c->text, tip);
    tft_text_puts(c->text, "</title></circle>");
}

void chart_rule(const chart *c, bool vertical, double at, const char *class)
{
    if (vertical)
        tft_text_printf(c->text, "<path class=\"rule %s\" d=\"M%.1f %.1fV%.1f\"/>", class, px(c, at), c->top,
                        c->height - c->bottom);
    else
        tft_text_printf(c->text, "<path class=\"rule %s\" d=\"M%.1f %.1fH%.1f\"/>", class, c->left, py(c, at),
                        c->width - c->right);
}
