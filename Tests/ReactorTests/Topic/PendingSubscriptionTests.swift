import Testing

@testable import Reactor

@Suite("A subscription on its way to its reactor")
struct PendingSubscriptionTests {
  @Test(
    "is sent what has been published meanwhile, although the others have left",
    arguments: BackendKind.allCases)
  func shardStays(on kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let log = TopicLog(limits: TopicLimits())
    let (client, other) = (try server.connect(), try server.connect())
    let (id, otherID) = (try server.id(of: client), try server.id(of: other))
    // It is noted with the topic at once, and told to the reactor later.
    let start = try log.attach(id.reactor, from: nil)
    _ = otherID.subscribe(to: log)
    _ = log.append(5) { $0.copyBytes(from: "news\n".utf8) }
    #expect(other.readLine() == "news")
    otherID.unsubscribe(from: log)
    #expect(other.ask("left") == "left")
    #expect(server.wait { log.subscriberCount == 1 })
    ReactorPort.execute(
      { _ in Reactor.current?.subscribe(id, to: log, start, log.limits.lag) }, onReactor: id.reactor
    )
    #expect(client.readLine() == "news")
    server.stop()
  }
}
