// The echo contract on Boost.Beast, with Boost.Asio's event loop on one thread. Its sockets know their
// executor by type, and the loop takes no locks: both cost less. Reading the next message while one is
// written, into a second buffer, was no faster.
#include <sys/resource.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace net = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = net::ip::tcp;
using Executor = net::io_context::executor_type;
using Socket = net::basic_stream_socket<tcp, Executor>;
using Acceptor = net::basic_socket_acceptor<tcp, Executor>;
using Error = boost::system::error_code;

namespace {

constexpr std::size_t max_message_bytes = 1 << 20;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket &&socket) : stream(std::move(socket)) {}

  void run() {
    stream.next_layer().set_option(tcp::no_delay(true));
    stream.read_message_max(max_message_bytes);
    stream.auto_fragment(false);  // one frame for each message: one write
    stream.async_accept([self = shared_from_this()](Error error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream.async_read(received, [self = shared_from_this()](Error error, std::size_t) {
      if (!error) self->echo();
    });
  }

  void echo() {
    stream.text(stream.got_text());
    stream.async_write(received.data(), [self = shared_from_this()](Error error, std::size_t) {
      self->received.clear();
      if (!error) self->read();
    });
  }

  websocket::stream<Socket> stream;
  beast::flat_buffer received;
};

void accept(Acceptor &acceptor) {
  acceptor.async_accept([&acceptor](Error error, Socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->run();
    accept(acceptor);
  });
}

unsigned short port_of(int argc, char **argv) {
  if (argc == 1) return 0;
  if (argc != 3 || std::strcmp(argv[1], "--port") != 0) std::exit(2);
  return static_cast<unsigned short>(std::atoi(argv[2]));
}

}  // namespace

int main(int argc, char **argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  std::signal(SIGTERM, [](int) { std::_Exit(0); });

  net::io_context loop(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  Acceptor acceptor(loop, {net::ip::address_v4::loopback(), port_of(argc, argv)});
  std::printf("listening port=%u\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  accept(acceptor);
  loop.run();
}
