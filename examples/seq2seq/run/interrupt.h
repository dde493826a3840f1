// Ctrl-C as a request.
#pragma once

namespace adjoint::seq2seq {

/// While it lives, the first Ctrl-C asks for an orderly end; a second one ends the program at once.
class InterruptHandler {
 public:
  InterruptHandler();
  ~InterruptHandler();
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

  bool requested() const;

 private:
  void (*former_)(int);
};

}  // namespace adjoint::seq2seq
