/* One line below for each file in static/. */
#include "DashboardAssets.h"

#pragma clang diagnostic ignored "-Wpragmas"
#pragma clang diagnostic ignored "-Wunknown-warning-option"
#pragma clang diagnostic ignored "-Wc23-extensions"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JS "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

static const unsigned char index_html[] = {
#embed "static/index.html"
};
static const unsigned char app_css[] = {
#embed "static/app.css"
};
static const unsigned char app_js[] = {
#embed "static/app.js"
};

#define FILE_OF(name, type, bytes) {name, type, bytes, (ptrdiff_t)sizeof bytes}

static const kimi_dashboard_file files[] = {
    FILE_OF("index.html", HTML, index_html),
    FILE_OF("app.css", CSS, app_css),
    FILE_OF("app.js", JS, app_js),
};

const kimi_dashboard_file *kimi_dashboard_asset(ptrdiff_t index) {
    return index >= 0 && index < (ptrdiff_t)(sizeof files / sizeof files[0]) ? &files[index] : NULL;
}
