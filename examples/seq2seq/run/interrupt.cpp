#include "examples/seq2seq/run/interrupt.h"

#include <atomic>
#include <csignal>

namespace adjoint::seq2seq {
namespace {

std::atomic<bool> interrupt_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler may not touch it

}  // namespace

InterruptHandler::InterruptHandler() {
  interrupt_requested = false;
  former_ = std::signal(SIGINT, [](int signal) {
    interrupt_requested = true;
    std::signal(signal, SIG_DFL);
  });
}

InterruptHandler::~InterruptHandler() { std::signal(SIGINT, former_); }

bool InterruptHandler::requested() const { return interrupt_requested; }

}  // namespace adjoint::seq2seq
