/* Each file in static/ stands here twice: its bytes, and its line in the table. */
#include "DashboardAssets.h"

#pragma clang diagnostic ignored "-Wunknown-warning-option"
#pragma clang diagnostic ignored "-Wc23-extensions"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JS "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

static const unsigned char api_js[] = {
#embed "static/api.js"
};
static const unsigned char app_css[] = {
#embed "static/app.css"
};
static const unsigned char app_js[] = {
#embed "static/app.js"
};
static const unsigned char base_css[] = {
#embed "static/base.css"
};
static const unsigned char blocks_js[] = {
#embed "static/blocks.js"
};
static const unsigned char charts_js[] = {
#embed "static/charts.js"
};
static const unsigned char conversation_js[] = {
#embed "static/conversation.js"
};
static const unsigned char detail_css[] = {
#embed "static/detail.css"
};
static const unsigned char diff_js[] = {
#embed "static/diff.js"
};
static const unsigned char diffview_js[] = {
#embed "static/diffview.js"
};
static const unsigned char dom_js[] = {
#embed "static/dom.js"
};
static const unsigned char filters_js[] = {
#embed "static/filters.js"
};
static const unsigned char format_js[] = {
#embed "static/format.js"
};
static const unsigned char help_js[] = {
#embed "static/help.js"
};
static const unsigned char highlight_js[] = {
#embed "static/highlight.js"
};
static const unsigned char icon_svg[] = {
#embed "static/icon.svg"
};
static const unsigned char index_html[] = {
#embed "static/index.html"
};
static const unsigned char jsontree_js[] = {
#embed "static/jsontree.js"
};
static const unsigned char login_js[] = {
#embed "static/login.js"
};
static const unsigned char models_js[] = {
#embed "static/models.js"
};
static const unsigned char overview_js[] = {
#embed "static/overview.js"
};
static const unsigned char plugins_js[] = {
#embed "static/plugins.js"
};
static const unsigned char prose_js[] = {
#embed "static/prose.js"
};
static const unsigned char replay_js[] = {
#embed "static/replay.js"
};
static const unsigned char request_js[] = {
#embed "static/request.js"
};
static const unsigned char requests_js[] = {
#embed "static/requests.js"
};
static const unsigned char route_js[] = {
#embed "static/route.js"
};
static const unsigned char row_js[] = {
#embed "static/row.js"
};
static const unsigned char rowstore_js[] = {
#embed "static/rowstore.js"
};
static const unsigned char sse_js[] = {
#embed "static/sse.js"
};
static const unsigned char stages_js[] = {
#embed "static/stages.js"
};
static const unsigned char stats_js[] = {
#embed "static/stats.js"
};
static const unsigned char theme_js[] = {
#embed "static/theme.js"
};
static const unsigned char timeline_js[] = {
#embed "static/timeline.js"
};
static const unsigned char vlist_js[] = {
#embed "static/vlist.js"
};

#define FILE_OF(name, type, bytes) {name, type, bytes, (ptrdiff_t)sizeof bytes}

static const kimi_dashboard_file files[] = {
    FILE_OF("api.js", JS, api_js),
    FILE_OF("app.css", CSS, app_css),
    FILE_OF("app.js", JS, app_js),
    FILE_OF("base.css", CSS, base_css),
    FILE_OF("blocks.js", JS, blocks_js),
    FILE_OF("charts.js", JS, charts_js),
    FILE_OF("conversation.js", JS, conversation_js),
    FILE_OF("detail.css", CSS, detail_css),
    FILE_OF("diff.js", JS, diff_js),
    FILE_OF("diffview.js", JS, diffview_js),
    FILE_OF("dom.js", JS, dom_js),
    FILE_OF("filters.js", JS, filters_js),
    FILE_OF("format.js", JS, format_js),
    FILE_OF("help.js", JS, help_js),
    FILE_OF("highlight.js", JS, highlight_js),
    FILE_OF("icon.svg", SVG, icon_svg),
    FILE_OF("index.html", HTML, index_html),
    FILE_OF("jsontree.js", JS, jsontree_js),
    FILE_OF("login.js", JS, login_js),
    FILE_OF("models.js", JS, models_js),
    FILE_OF("overview.js", JS, overview_js),
    FILE_OF("plugins.js", JS, plugins_js),
    FILE_OF("prose.js", JS, prose_js),
    FILE_OF("replay.js", JS, replay_js),
    FILE_OF("request.js", JS, request_js),
    FILE_OF("requests.js", JS, requests_js),
    FILE_OF("route.js", JS, route_js),
    FILE_OF("row.js", JS, row_js),
    FILE_OF("rowstore.js", JS, rowstore_js),
    FILE_OF("sse.js", JS, sse_js),
    FILE_OF("stages.js", JS, stages_js),
    FILE_OF("stats.js", JS, stats_js),
    FILE_OF("theme.js", JS, theme_js),
    FILE_OF("timeline.js", JS, timeline_js),
    FILE_OF("vlist.js", JS, vlist_js),
};

const kimi_dashboard_file *kimi_dashboard_asset(ptrdiff_t index) {
    return index >= 0 && index < (ptrdiff_t)(sizeof files / sizeof files[0]) ? &files[index] : NULL;
}
