// Random operations against FIFO queues of the engine and their naive twins: one operation at a
// time, while the world's side goes on in any order. Crashes come at rest and in the middle of
// things; what was answered must be remembered in either case.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <stdexcept>

#include "base/random.h"
#include "naive_fifo.h"
#include "random_runs.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

constexpr std::size_t kQueues = 3;  // the last one takes the dead letters of the others
constexpr std::size_t kDead = kQueues - 1;
constexpr Milliseconds kLong = seconds(345'600);
constexpr unsigned kStepsMax = 4'000;
constexpr std::size_t kRemembered = 30;  // handles and attempts that are used again

enum class Kind : std::uint8_t {
  send,
  receive,
  attempt,
  erase,
  change_visibility,
  advance,
  purge,
  set_delay,
  restart,
  crash,
  crash_during_send,
  crash_during_receive,
  crash_during_erase,
  relocate,
  look,
  erase_by_place,
  rest,
  count
};
constexpr std::array<OperationKind, static_cast<std::size_t>(Kind::count)> kKinds{{
    {"send", 26},
    {"receive", 24},
    {"attempt", 8},
    {"erase", 18},
    {"change_visibility", 10},
    {"advance", 10},
    {"purge", 1},
    {"set_delay", 1},
    {"restart", 1},
    {"crash", 2},
    {"crash_during_send", 1},
    {"crash_during_receive", 1},
    {"crash_during_erase", 1},
    {"relocate", 4},
    {"look", 4},
    {"erase_by_place", 2},
    {"rest", 6},
}};

class FifoRun {
 public:
  explicit FifoRun(const Plan& plan)
      : plan_(plan),
        loop_(clock_, plan.options),
        naive_({{.retention = kLong, .receive_count_max = 3},
                {.retention = seconds(120), .receive_count_max = 4, .deduplicate_by_group = true},
                {.retention = kLong}}) {
    for (std::size_t i = kQueues; i-- > 0;) ids_[i] = loop_.create_queue(settings(i));
  }

  void go() {
    for (const Operation& operation : plan_.operations) {
      random_ = Random(operation.seed);
      some_steps();
      apply(static_cast<Kind>(operation.kind));
    }
    drain();
  }

 private:
  struct Handle {
    std::size_t queue;
    MessageId message;
    std::string text;
  };
  // A message to send, with the texts that it needs.
  struct Draft {
    std::string body;
    std::string group;
    std::string id;
    NewMessage message() const {
      NewMessage made;
      made.body = body;
      made.group_id = group;
      made.deduplication_id = id;
      return made;
    }
  };

  QueueSettings settings(std::size_t queue) const {
    QueueSettings made;
    made.encryption.on = queue % 2 == 0;
    made.fifo = true;
    made.retention = queue == 1 ? seconds(120) : kLong;
    made.delay = delays_[queue];
    made.deduplicate_by_group = queue == 1;
    if (queue != kDead) {
      made.receive_count_max = queue == 0 ? 3 : 4;
      made.dead_letter_queue = ids_[kDead];
    }
    return made;
  }

  void apply(Kind kind) {
    const std::size_t queue = random_.below(kQueues);
    switch (kind) {
      case Kind::send:
        return await(*send(queue, drafts(true)));
      case Kind::receive:
        return receive(queue, "");
      case Kind::attempt:
        return attempt(queue);
      case Kind::erase:
        return erase();
      case Kind::change_visibility:
        return change_visibility();
      case Kind::advance:
        return advance();
      case Kind::purge:
        return purge(queue);
      case Kind::set_delay:
        delays_[queue] = random_.chance(1, 2) ? 0 : seconds(1 + random_int(60));
        naive_.set_delay(queue, delays_[queue]);
        return loop_.configure(ids_[queue], settings(queue));
      case Kind::restart:
        return loop_.restart();
      case Kind::crash:
        return crash();
      case Kind::crash_during_send:
        return crash_during_send(queue);
      case Kind::crash_during_receive:
        return crash_during_receive(queue);
      case Kind::crash_during_erase:
        return crash_during_erase();
      case Kind::relocate:
        return relocate();
      case Kind::look:
        return compare_groups(queue, look(queue));
      case Kind::erase_by_place:
        return erase_by_place(queue);
      case Kind::rest:
        loop_.settle();
        for (std::size_t i = 0; i < kQueues; ++i) {
          naive_.counted(i, loop_.counts(ids_[i]), loop_.now());
        }
        return;
      case Kind::count:
        return;
    }
  }

  // --- the world, in any order ---

  void step() {
    switch (random_.below(6)) {
      case 0:
        return loop_.turn();
      case 1:
        return static_cast<void>(loop_.perform_load());
      case 2:
        return static_cast<void>(loop_.deliver_load());
      case 3:
        return static_cast<void>(loop_.begin_commit());
      case 4:
        return static_cast<void>(loop_.make_durable());
      default:
        return static_cast<void>(loop_.finish_commit());
    }
  }
  void some_steps() {
    for (std::uint64_t i = random_.below(8); i > 0; --i) step();
  }
  template <class Ended>
  void until(Ended ended) {
    for (unsigned i = 0; i < kStepsMax && !ended(); ++i) step();
    if (!ended()) loop_.settle();
    if (!ended()) throw std::runtime_error("an operation was never answered");
  }
  void await(const PendingCall& call) {
    until([&] { return call.ended(); });
    if (!call.succeeded) throw std::runtime_error("an operation failed");
  }

  // --- operations ---

  std::int64_t random_int(std::uint64_t below) {
    return static_cast<std::int64_t>(random_.below(below));
  }

  std::shared_ptr<std::vector<Draft>> drafts(bool repeat_ids) {
    auto made = std::make_shared<std::vector<Draft>>(1 + random_.below(5));
    for (Draft& draft : *made) {
      draft.body = "m" + std::to_string(++sent_) + "-";
      draft.body.append(random_.below(random_.chance(1, 20) ? 70'000 : 150), 'x');
      draft.group = "g" + std::to_string(random_.below(random_.chance(1, 4) ? 40 : 3));
      draft.id = repeat_ids && random_.chance(1, 4) ? "same" + std::to_string(random_.below(4))
                                                    : std::to_string(sent_);
    }
    return made;
  }
  std::shared_ptr<PendingCall> send(std::size_t queue,
                                    const std::shared_ptr<std::vector<Draft>>& drafts) {
    sending_.clear();
    return loop_.submit([this, queue, drafts](Shard& shard, Timestamp now) {
      std::vector<NewMessage> messages;
      for (const Draft& draft : *drafts) messages.push_back(draft.message());
      const std::vector<SentMessage> sent = shard.send(ids_[queue], messages, now).value();
      for (std::size_t i = 0; i < sent.size(); ++i) {
        naive_.sent(queue, messages[i], sent[i], now);
        sending_.push_back(sent[i].id);
      }
    });
  }

  Milliseconds some_timeout() {
    constexpr std::array<Milliseconds, 5> kTimeouts{0, seconds(1), seconds(30), seconds(600),
                                                    seconds(43'200)};
    return kTimeouts[random_.below(kTimeouts.size())];
  }

  void receive(std::size_t queue, const std::string& attempt_id) {
    const Milliseconds timeout = some_timeout();
    const auto count = static_cast<unsigned>(1 + random_.below(10));
    const auto poll = loop_.receive({ids_[queue], count, timeout, 0, attempt_id});
    until([&] { return poll->result.has_value(); });
    const std::vector<Delivery>& deliveries = poll->deliveries();
    if (deliveries.size() > count) throw std::runtime_error("too many messages in one reply");
    naive_.delivered(queue, deliveries, timeout, loop_.now());
    if (deliveries.empty()) naive_.found_nothing(queue, loop_.now());
    NaiveFifo::Attempt attempt{queue, attempt_id, loop_.now(), loop_.now() + timeout, {}};
    for (const Delivery& delivery : deliveries) {
      remember({queue, delivery.id, delivery.receipt_handle});
      attempt.deliveries.emplace_back(delivery.id, delivery.receipt_handle);
    }
    if (attempt_id.empty() || deliveries.empty()) return;
    std::erase_if(attempts_, [&](const NaiveFifo::Attempt& other) {
      return other.queue == queue && other.id == attempt_id;
    });
    attempts_.push_back(attempt);
    if (attempts_.size() > kRemembered) attempts_.pop_front();
  }

  void attempt(std::size_t queue) {
    if (attempts_.empty() || random_.chance(1, 2)) {
      return receive(queue, "attempt" + std::to_string(++tried_));
    }
    NaiveFifo::Attempt& again = attempts_[random_.below(attempts_.size())];
    const NaiveFifo::Repeat expected = naive_.repeat(again, loop_.now());
    if (expected == NaiveFifo::Repeat::unknown) return;
    if (expected == NaiveFifo::Repeat::anew) return receive(again.queue, std::string(again.id));
    const Milliseconds timeout = some_timeout();
    const auto poll = loop_.receive({ids_[again.queue], 10, timeout, 0, again.id});
    until([&] { return poll->result.has_value(); });
    if (expected == NaiveFifo::Repeat::refused) {
      if (*poll->result) throw std::runtime_error("a spoilt attempt was repeated");
      return;
    }
    const std::vector<Delivery>& deliveries = poll->deliveries();
    const auto same = [](const Delivery& delivery, const auto& before) {
      return delivery.id == before.first && delivery.receipt_handle == before.second;
    };
    if (!std::ranges::equal(deliveries, again.deliveries, same)) {
      throw std::runtime_error("an attempt was repeated with other messages");
    }
    again.visible_at = loop_.now() + timeout;
    naive_.repeated(again, timeout, loop_.now());
  }

  void remember(Handle handle) {
    handles_.push_back(std::move(handle));
    if (handles_.size() > kRemembered) handles_.pop_front();
  }
  const Handle* some_handle() {
    return handles_.empty() ? nullptr : &handles_[random_.below(handles_.size())];
  }

  std::shared_ptr<PendingCall> start_erase(const Handle& handle, std::shared_ptr<Erased> answer) {
    const ReceiptHandle opened = loop_.sealer().open(handle.text).value();
    return loop_.submit([id = ids_[handle.queue], opened, answer](Shard& shard, Timestamp now) {
      *answer = shard.erase(id, {&opened, 1}, now).value().front();
    });
  }
  void erase() {
    for (std::uint64_t i = 1 + random_.below(4); i > 0; --i) {
      const Handle* handle = some_handle();
      if (handle == nullptr) return;
      const auto answer = std::make_shared<Erased>();
      await(*start_erase(*handle, answer));
      naive_.erased(handle->queue, handle->message, handle->text, *answer, loop_.now());
    }
  }

  void change_visibility() {
    const Handle* handle = some_handle();
    if (handle == nullptr) return;
    const Milliseconds timeout = random_.chance(1, 2) ? 0 : some_timeout();
    const Shard::VisibilityChange change{loop_.sealer().open(handle->text).value(), handle->text,
                                         timeout};
    auto refused = std::make_shared<bool>(false);
    await(*loop_.submit([id = ids_[handle->queue], change, refused](Shard& shard, Timestamp now) {
      *refused = shard.change_visibility(id, {&change, 1}, now).value().front().has_value();
    }));
    naive_.visibility_changed(handle->queue, handle->message, handle->text, timeout, *refused,
                              loop_.now());
  }

  void advance() {
    constexpr std::array<Milliseconds, 6> kLengths{1,           500,          seconds(2),
                                                   seconds(31), seconds(300), seconds(20'000)};
    const Milliseconds length = kLengths[random_.below(kLengths.size())];
    if (random_.chance(1, 2)) {
      clock_.advance(length);  // late timers
      return loop_.turn();
    }
    loop_.advance(length);
  }

  void purge(std::size_t queue) {
    await(*loop_.submit([this, queue](Shard& shard, Timestamp now) {
      shard.purge_queue(ids_[queue], 0, now).value();
      naive_.emptied(queue, now);
    }));
    std::erase_if(attempts_,
                  [queue](const NaiveFifo::Attempt& attempt) { return attempt.queue == queue; });
  }

  void crash() {
    loop_.crash(random_.chance(1, 2) ? FaultStore::InFlight::kept : FaultStore::InFlight::lost);
  }
  void crash_during_send(std::size_t queue) {
    const auto call = send(queue, drafts(false));
    for (std::uint64_t i = random_.below(4); i > 0; --i) step();
    const bool doubted = !call->succeeded;
    crash();
    if (!doubted) return;
    for (const MessageId& id : sending_) naive_.doubt(queue, id);
  }
  void crash_during_receive(std::size_t queue) {
    const Milliseconds timeout = some_timeout();
    const auto poll = loop_.receive({ids_[queue], 10, timeout, 0, ""});
    for (std::uint64_t i = random_.below(4); i > 0 && !poll->result; --i) step();
    if (poll->result) {
      naive_.delivered(queue, poll->deliveries(), timeout, loop_.now());
      for (const Delivery& delivery : poll->deliveries()) {
        remember({queue, delivery.id, delivery.receipt_handle});
      }
    } else {
      naive_.doubt_receive(queue, timeout, loop_.now());
    }
    crash();
  }
  void crash_during_erase() {
    const Handle* handle = some_handle();
    if (handle == nullptr) return crash();
    start_erase(*handle, std::make_shared<Erased>());
    for (std::uint64_t i = random_.below(4); i > 0; --i) step();
    naive_.doubt(handle->queue, handle->message);
    crash();
  }

  void relocate() {
    const std::vector<Row> index = loop_.rows(Family::index);
    if (index.empty()) return;
    const Row& row = index[random_.below(index.size())];
    loop_.shard().relocate(row.key, read_place(row.value), loop_.now());
  }

  std::vector<LookedMessage> look(std::size_t queue) {
    std::vector<LookedMessage> found = loop_.look(ids_[queue], {}, 1 + random_.below(20)).value();
    naive_.looked_at(queue, found, loop_.now());
    return found;
  }
  // Each group is listed once, by its first message.
  void compare_groups(std::size_t queue, const std::vector<LookedMessage>& all) {
    std::vector<SequenceNumber> heads;
    std::set<std::string> groups;
    for (const LookedMessage& message : all) {
      if (groups.insert(message.group_id).second) heads.push_back(message.sequence);
    }
    std::vector<SequenceNumber> listed;
    const std::size_t page = 1 + random_.below(5);
    for (const LookedMessage& head : loop_.look(ids_[queue], {.group_heads = true}, page).value()) {
      listed.push_back(head.sequence);
    }
    if (listed != heads) throw std::runtime_error("the groups of a queue were listed otherwise");
  }
  void erase_by_place(std::size_t queue) {
    std::vector<LookedMessage> chosen = look(queue);
    std::erase_if(chosen, [this](const LookedMessage&) { return random_.chance(2, 3); });
    if (chosen.size() > 5) chosen.resize(5);
    std::vector<SequenceNumber> sequences;
    for (const LookedMessage& message : chosen) sequences.push_back(message.sequence);
    for (const auto& refusal : loop_.erase_messages(ids_[queue], sequences)) {
      if (refusal) throw std::runtime_error("a delete by place was refused");
    }
    for (const LookedMessage& message : chosen) naive_.erased_by_place(message.id);
  }

  // Everything comes back after the longest timeout; then each queue is emptied, in order.
  void drain() {
    loop_.advance(seconds(43'201));
    for (std::size_t queue = 0; queue < kQueues; ++queue) {
      loop_.advance(seconds(61));  // dead letters may be delayed where they arrive
      for (unsigned empty = 0; empty < 2;) {
        const std::vector<Delivery> deliveries = loop_.poll(ids_[queue], 10, seconds(30));
        naive_.delivered(queue, deliveries, seconds(30), loop_.now());
        for (const Delivery& delivery : deliveries) {
          loop_.erase(ids_[queue], {delivery.receipt_handle});
          naive_.erased(queue, delivery.id, delivery.receipt_handle, Erased::done, loop_.now());
        }
        empty = deliveries.empty() ? empty + 1 : 0;
      }
    }
    naive_.drained(loop_.now());
  }

  const Plan& plan_;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_;
  NaiveFifo naive_;
  Random random_{0};
  std::array<QueueId, kQueues> ids_{};
  std::array<Milliseconds, kQueues> delays_{};
  std::deque<Handle> handles_;
  std::deque<NaiveFifo::Attempt> attempts_;
  std::vector<MessageId> sending_;  // by the last send
  std::uint64_t sent_ = 0;
  std::uint64_t tried_ = 0;
};

TEST(FifoModel, AgreesWithTheNaiveQueue) {
  constexpr std::array<std::size_t, 4> kMemory{1, 6'000, 20'000, std::size_t{256} << 20};
  check_random_runs(kKinds, kMemory, [](const Plan& plan) { FifoRun(plan).go(); });
}

}  // namespace
}  // namespace millrace
