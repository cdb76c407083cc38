// What is used here of the C interface of libsocketify, uWebSockets behind C functions: declared as
// in the `native.py` of its package, and what only the library itself has: `uws_loop_defer` and
// `us_socket_local_port`.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct us_loop_t;
struct us_socket_t;
struct us_listen_socket_t;
typedef struct uws_app_s uws_app_t;
typedef struct uws_websocket_s uws_websocket_t;

struct us_socket_context_options_t {
  const char *key_file_name, *cert_file_name, *passphrase, *dh_params_file_name, *ca_file_name,
      *ssl_ciphers;
  int ssl_prefer_low_memory_usage;
};

typedef enum { UWS_TEXT = 1, UWS_BINARY = 2 } uws_opcode_t;

typedef struct {
  int port;
  const char *host;
  int options;
} uws_app_listen_config_t;

typedef void (*uws_websocket_handler)(uws_websocket_t *ws, void *user_data);

typedef struct {
  int compression;
  unsigned int maxPayloadLength;
  unsigned short idleTimeout;
  unsigned int maxBackpressure;
  bool closeOnBackpressureLimit, resetIdleTimeoutOnSend, sendPingsAutomatically;
  unsigned short maxLifetime;
  void *upgrade;
  uws_websocket_handler open;
  void (*message)(uws_websocket_t *ws, const char *message, size_t length, uws_opcode_t opcode,
                  void *user_data);
  uws_websocket_handler drain;
  void *ping, *pong;
  void (*close)(uws_websocket_t *ws, int code, const char *reason, size_t length, void *user_data);
  void *subscription;
} uws_socket_behavior_t;

uws_app_t *uws_create_app(int ssl, struct us_socket_context_options_t options);
void uws_app_listen_with_config(int ssl, uws_app_t *app, uws_app_listen_config_t config,
                                void (*handler)(struct us_listen_socket_t *socket,
                                                uws_app_listen_config_t config, void *user_data),
                                void *user_data);
void uws_app_run(int ssl, uws_app_t *app);
void uws_ws(int ssl, uws_app_t *app, const char *pattern, uws_socket_behavior_t behavior,
            void *user_data);
bool uws_ws_subscribe(int ssl, uws_websocket_t *ws, const char *topic, size_t length);
bool uws_publish(int ssl, uws_app_t *app, const char *topic, size_t topic_length,
                 const char *message, size_t message_length, uws_opcode_t opcode, bool compress);
int uws_ws_send(int ssl, uws_websocket_t *ws, const char *message, size_t length,
                uws_opcode_t opcode);
struct us_loop_t *uws_get_loop(void);
void uws_loop_defer(struct us_loop_t *loop, void (*callback)(void *user_data), void *user_data);
void *us_socket_get_native_handle(int ssl, struct us_socket_t *socket);
int us_socket_local_port(int ssl, struct us_socket_t *socket);
