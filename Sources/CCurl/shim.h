/* libcurl for Swift: the variadic curl_*_setopt and _getinfo as typed functions. */
#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket as libcurl makes one itself: not inherited by children. CURL_SOCKET_BAD on failure. */
static inline curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address) {
    int fd = socket(address->family, address->socktype, address->protocol);
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}
static inline int ccurl_close_socket(curl_socket_t fd) { return close(fd); }

typedef size_t (*ccurl_data_fn)(char *data, size_t size, size_t count, void *context);
typedef curl_socket_t (*ccurl_open_fn)(void *context, curlsocktype purpose, struct curl_sockaddr *address);
typedef int (*ccurl_close_fn)(void *context, curl_socket_t fd);
typedef int (*ccurl_prereq_fn)(void *context, char *remote_ip, char *local_ip, int remote_port, int local_port);
typedef int (*ccurl_socket_fn)(CURL *easy, curl_socket_t fd, int what, void *context, void *per_socket);
typedef int (*ccurl_timer_fn)(CURLM *multi, long timeout_ms, void *context);

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_data_fn(CURL *easy, CURLoption option, ccurl_data_fn fn) {
    return curl_easy_setopt(easy, option, fn);
}
static inline CURLcode ccurl_set_open_fn(CURL *easy, ccurl_open_fn fn) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, fn);
}
static inline CURLcode ccurl_set_close_fn(CURL *easy, ccurl_close_fn fn) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, fn);
}
static inline CURLcode ccurl_set_prereq_fn(CURL *easy, ccurl_prereq_fn fn) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, fn);
}
/* A long, or -1. */
static inline long ccurl_get_long(CURL *easy, CURLINFO info) {
    long value = -1;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : -1;
}
/* The socket of a transfer that is done; CURL_SOCKET_BAD when its connection is not kept. */
static inline curl_socket_t ccurl_get_socket(CURL *easy) {
    curl_socket_t fd = CURL_SOCKET_BAD;
    return curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK ? fd : CURL_SOCKET_BAD;
}
/* Bytes have come that nobody has read. */
static inline int ccurl_has_input(curl_socket_t fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}
static inline CURLcode ccurl_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return curl_easy_getinfo(easy, info, value);
}
static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode ccurl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode ccurl_multi_set_socket_fn(CURLM *multi, ccurl_socket_fn fn) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, fn);
}
static inline CURLMcode ccurl_multi_set_timer_fn(CURLM *multi, ccurl_timer_fn fn) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, fn);
}
/* The next finished transfer, or NULL; its result in *code. */
static inline CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *code) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        *code = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}

#endif
