/// Ends the process, since the program uses the engine as it must not. The text says what was done
/// and what is right; unlike that of `precondition` it is printed in a release build, too. Nothing
/// that a peer sends may lead here.
@usableFromInline
package func misuse(_ text: String) -> Never {
  fatalError("Martlet is misused: \(text)")
}
