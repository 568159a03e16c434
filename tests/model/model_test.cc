// Random operations against the engine and the naive queues: their answers must agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "base/random.h"
#include "naive_queue.h"
#include "random_runs.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

constexpr std::size_t kQueues = 3;  // the last one takes the dead letters of the others
constexpr std::size_t kDead = kQueues - 1;
constexpr Milliseconds kLong = seconds(345'600);
constexpr unsigned kStepsMax = 4'000;

enum class Kind : std::uint8_t {
  send,
  receive,
  long_poll,
  erase,
  change_visibility,
  advance,
  purge,
  recreate,
  restart,
  crash,
  crash_during_send,
  crash_during_erase,
  relocate,
  look,
  erase_by_place,
  move_by_place,
  rest,
  count
};
constexpr std::array<OperationKind, static_cast<std::size_t>(Kind::count)> kKinds{{
    {"send", 24},
    {"receive", 24},
    {"long_poll", 6},
    {"erase", 16},
    {"change_visibility", 10},
    {"advance", 12},
    {"purge", 1},
    {"recreate", 1},
    {"restart", 1},
    {"crash", 1},
    {"crash_during_send", 1},
    {"crash_during_erase", 1},
    {"relocate", 4},
    {"look", 6},
    {"erase_by_place", 6},
    {"move_by_place", 4},
    {"rest", 6},
}};

class StandardRun {
 public:
  explicit StandardRun(const Plan& plan)
      : plan_(plan),
        loop_(clock_, plan.options),
        naive_({{kLong, 2, {}}, {seconds(120), 3, {}}, {kLong, 0, {}}}) {
    for (std::size_t i = kQueues; i-- > 0;) create(i);
  }

  void go() {
    for (const Operation& operation : plan_.operations) {
      random_ = Random(operation.seed);
      loop_.turn();
      take_replies();
      apply(static_cast<Kind>(operation.kind));
      take_replies();
    }
    drain();
  }

 private:
  struct Handle {
    std::size_t queue;
    QueueId id;
    MessageId message;
    std::string text;
  };
  struct Poll {
    std::shared_ptr<PendingReceive> receive;
    std::size_t queue;
    Milliseconds visibility_timeout;
  };

  QueueSettings settings(std::size_t queue) const {
    QueueSettings made;
    made.encryption.on = queue % 2 == 0;
    made.retention = queue == 1 ? seconds(120) : kLong;
    if (queue != kDead) {
      made.receive_count_max = queue == 0 ? 2 : 3;
      made.dead_letter_queue = ids_[kDead];
    }
    return made;
  }
  void create(std::size_t queue) {
    ids_[queue] = loop_.create_queue(settings(queue));
    for (std::size_t i = 0; queue == kDead && i < kDead; ++i) {
      if (ids_[i] != QueueId{}) loop_.configure(ids_[i], settings(i));
    }
  }

  void apply(Kind kind) {
    const std::size_t queue = random_.below(kQueues);
    switch (kind) {
      case Kind::send:
        return await(*send(queue));
      case Kind::receive:
        return receive(queue);
      case Kind::long_poll:
        polls_.push_back(start_receive(queue, seconds(20)));
        return some_steps();
      case Kind::erase:
        return erase();
      case Kind::change_visibility:
        return change_visibility();
      case Kind::advance:
        return advance();
      case Kind::purge:
        return purge(queue);
      case Kind::recreate:
        return recreate(queue);
      case Kind::restart:
        loop_.restart();
        take_replies();
        return;
      case Kind::crash:
        return crash();
      case Kind::crash_during_send:
        end_polls();
        unanswered_.clear();
        if (const auto call = send(queue); !call->ended()) {
          for (std::uint64_t i = random_.below(4); i > 0; --i) step();
          if (!call->succeeded) doubted_ = unanswered_;
        }
        return crash();
      case Kind::crash_during_erase:
        return crash_during_erase();
      case Kind::relocate:
        return relocate();
      case Kind::look:
        look(queue);
        return;
      case Kind::erase_by_place:
        return erase_by_place(queue);
      case Kind::move_by_place:
        return move_by_place(queue);
      case Kind::rest:
        loop_.settle();
        take_replies();
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
        loop_.turn();
        break;
      case 1:
        loop_.perform_load();
        break;
      case 2:
        loop_.deliver_load();
        break;
      case 3:
        loop_.begin_commit();
        break;
      case 4:
        loop_.make_durable();
        break;
      default:
        loop_.finish_commit();
        break;
    }
  }
  void some_steps() {
    for (std::uint64_t i = random_.below(12); i > 0; --i) {
      step();
      take_replies();
    }
  }
  template <class Ended>
  void until(Ended ended) {
    for (unsigned i = 0; i < kStepsMax && !ended(); ++i) {
      step();
      if (!ended()) take_replies();
    }
    // A receive that found the batch full looks again a millisecond later.
    for (unsigned i = 0; i < 50 && !ended(); ++i) {
      loop_.settle();
      if (ended()) break;
      take_replies();
      clock_.advance(1);
    }
    if (!ended()) throw std::runtime_error("an operation was never answered");
  }
  void await(const PendingCall& call) {
    until([&] { return call.ended(); });
    if (!call.succeeded) throw std::runtime_error("an operation failed");
  }

  void take_replies() {
    const auto answered = [](const Poll& poll) { return poll.receive->result.has_value(); };
    if (std::none_of(polls_.begin(), polls_.end(), answered)) return;
    // A reply that waits for a commit may hold an earlier delivery of the same message.
    if (!std::all_of(polls_.begin(), polls_.end(), answered)) loop_.settle();
    // A message is received at its source before it moves.
    std::stable_partition(polls_.begin(), polls_.end(),
                          [](const Poll& poll) { return poll.queue != kDead; });
    std::erase_if(polls_, [this](const Poll& poll) {
      if (!poll.receive->result) return false;
      if (*poll.receive->result) deliver(poll);
      return true;
    });
  }
  void deliver(const Poll& poll) {
    for (const Delivery& delivery : poll.receive->deliveries()) {
      naive_.delivered(poll.queue, delivery, poll.visibility_timeout, loop_.now());
      handles_.push_back({poll.queue, ids_[poll.queue], delivery.id, delivery.receipt_handle});
    }
  }

  // --- operations ---

  std::shared_ptr<PendingCall> send(std::size_t queue) {
    const std::string group = random_.chance(1, 2)   ? std::string(NaiveWorld::kNoisyGroup)
                              : random_.chance(1, 2) ? "quiet-" + std::to_string(sent_)
                                                     : std::string();
    const std::uint64_t count = group == NaiveWorld::kNoisyGroup && random_.chance(1, 4) ? 40 : 5;
    auto bodies = std::make_shared<std::vector<std::string>>(1 + random_.below(count));
    for (std::string& body : *bodies) {
      body = "m" + std::to_string(++sent_) + "-";
      body.append(random_.below(random_.chance(1, 20) ? 70'000 : 150), 'x');
    }
    const Milliseconds delay =
        random_.chance(1, 5) ? seconds(1 + static_cast<std::int64_t>(random_.below(60))) : 0;
    return loop_.submit([this, queue, bodies, group, delay](Shard& shard, Timestamp now) {
      std::vector<NewMessage> messages(bodies->size());
      for (std::size_t i = 0; i < messages.size(); ++i) {
        messages[i].body = (*bodies)[i];
        messages[i].group_id = group;
        messages[i].delay = delay;
      }
      const std::vector<SentMessage> sent = shard.send(ids_[queue], messages, now).value();
      for (std::size_t i = 0; i < sent.size(); ++i) {
        naive_.sent(queue, sent[i].id, (*bodies)[i], group, delay, now);
        unanswered_.emplace_back(queue, sent[i].id);
      }
    });
  }

  Poll start_receive(std::size_t queue, Milliseconds wait) {
    const std::array<Milliseconds, 5> timeouts{0, seconds(1), seconds(30), seconds(600),
                                               seconds(43'200)};
    const Milliseconds timeout = timeouts[random_.below(timeouts.size())];
    const auto count = static_cast<unsigned>(1 + random_.below(10));
    return {loop_.receive({ids_[queue], count, timeout, wait}), queue, timeout};
  }
  void receive(std::size_t queue) {
    const bool alone = polls_.empty();
    std::vector<MessageId> first_in_line = naive_.first_in_line(queue, loop_.now());
    const Poll poll = start_receive(queue, 0);
    polls_.push_back(poll);  // replies count in the order in which they were asked for
    until([&] { return poll.receive->result.has_value(); });
    take_replies();
    const std::vector<Delivery>& deliveries = poll.receive->deliveries();
    if (!alone) return;
    if (deliveries.empty()) return naive_.found_nothing(queue, loop_.now());
    const auto noisy = [](const Delivery& delivery) {
      return delivery.message.group_id == NaiveWorld::kNoisyGroup;
    };
    if (std::none_of(deliveries.begin(), deliveries.end(), noisy)) return;
    for (const Delivery& delivery : deliveries) std::erase(first_in_line, delivery.id);
    if (!first_in_line.empty()) throw std::runtime_error("a noisy group was served first");
  }

  // Up to `count` handles of one queue, old ones too.
  std::vector<Handle> some_handles(std::size_t count) {
    std::vector<Handle> chosen;
    std::set<MessageId> messages;
    for (std::size_t i = 0; i < count && !handles_.empty(); ++i) {
      const std::size_t recent = std::min<std::size_t>(handles_.size(), 30);
      const Handle& handle = handles_[handles_.size() - 1 - random_.below(recent)];
      if (handle.id != ids_[handle.queue]) continue;
      if (!chosen.empty() && chosen.front().queue != handle.queue) continue;
      if (messages.insert(handle.message).second) chosen.push_back(handle);
    }
    return chosen;
  }
  std::shared_ptr<PendingCall> start_erase(const std::vector<Handle>& chosen) {
    auto handles = std::make_shared<std::vector<ReceiptHandle>>();
    for (const Handle& handle : chosen) {
      handles->push_back(loop_.sealer().open(handle.text).value());
    }
    return loop_.submit([id = chosen.front().id, handles](Shard& shard, Timestamp now) {
      shard.erase(id, *handles, now).value();
    });
  }
  void erase() {
    const std::vector<Handle> chosen = some_handles(1 + random_.below(4));
    if (chosen.empty()) return;
    std::vector<std::uint64_t> before;
    for (const Handle& handle : chosen) {
      before.push_back(naive_.deliveries(handle.queue, handle.message));
    }
    await(*start_erase(chosen));
    take_replies();  // what was delivered meanwhile
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      naive_.erased(chosen[i].queue, chosen[i].message, chosen[i].text, before[i], loop_.now());
    }
  }
  void crash_during_erase() {
    end_polls();
    const std::vector<Handle> chosen = some_handles(1 + random_.below(4));
    if (!chosen.empty()) {
      start_erase(chosen);
      for (std::uint64_t i = random_.below(4); i > 0; --i) step();
      for (const Handle& handle : chosen) doubted_.emplace_back(handle.queue, handle.message);
    }
    crash();
  }

  void change_visibility() {
    const std::vector<Handle> chosen = some_handles(1);
    if (chosen.empty()) return;
    const Handle& handle = chosen.front();
    const std::array<Milliseconds, 5> timeouts{0, seconds(1), seconds(60), seconds(43'000),
                                               seconds(43'200)};
    const Milliseconds timeout = timeouts[random_.below(timeouts.size())];
    end_polls();  // whoever waits might get the message before the change is confirmed
    const std::uint64_t before = naive_.deliveries(handle.queue, handle.message);
    auto refused = std::make_shared<bool>(false);
    const auto call = loop_.submit([handle, timeout, refused, this](Shard& shard, Timestamp now) {
      const Shard::VisibilityChange change{loop_.sealer().open(handle.text).value(), handle.text,
                                           timeout};
      *refused = shard.change_visibility(handle.id, {&change, 1}, now).value().front().has_value();
    });
    await(*call);
    take_replies();
    naive_.visibility_changed(handle.queue, handle.message, handle.text, timeout, *refused, before,
                              loop_.now());
  }

  void advance() {
    const std::array<Milliseconds, 6> lengths{1,           500,          seconds(2),
                                              seconds(31), seconds(300), seconds(20'000)};
    const Milliseconds length = lengths[random_.below(lengths.size())];
    answer_polls();
    if (random_.chance(1, 2)) {
      clock_.advance(length);  // late timers
      loop_.turn();
      return take_replies();
    }
    advance_stepwise(length);
  }
  void advance_stepwise(Milliseconds length) {
    const Timestamp end = loop_.now() + length;
    for (Timestamp next = loop_.loop().next_event(); next <= end;
         next = loop_.loop().next_event()) {
      clock_.advance(std::max<Milliseconds>(next - loop_.now(), 0));
      loop_.settle();
      take_replies();
    }
    clock_.advance(end - loop_.now());
    loop_.turn();
  }

  // A reply may wait for a commit: what it delivers was there before.
  void answer_polls() {
    if (polls_.empty()) return;
    loop_.settle();
    take_replies();
  }
  void end_polls() {
    answer_polls();
    for (const Poll& poll : std::exchange(polls_, {})) {
      loop_.loop().cancel(poll.receive->waiter, loop_.now());
    }
  }
  void purge(std::size_t queue) {
    answer_polls();
    await(*loop_.submit([this, queue](Shard& shard, Timestamp now) {
      shard.purge_queue(ids_[queue], 0, now).value();
      naive_.emptied(queue, now);
    }));
  }
  void recreate(std::size_t queue) {
    answer_polls();
    await(*loop_.submit([this, queue](Shard& shard, Timestamp now) {
      shard.delete_queue(ids_[queue]).value();
      naive_.emptied(queue, now);
    }));
    loop_.forget(ids_[queue]);
    take_replies();
    create(queue);
  }
  void crash() {
    // A reply that nobody gets may be on disk as a receive.
    end_polls();
    loop_.crash(random_.chance(1, 2) ? FaultStore::InFlight::kept : FaultStore::InFlight::lost);
    naive_.crashed();
    for (const auto& [queue, message] : std::exchange(doubted_, {})) naive_.doubt(queue, message);
  }
  void relocate() {
    const std::vector<Row> index = loop_.rows(Family::index);
    if (index.empty()) return;
    const Row& row = index[random_.below(index.size())];
    loop_.shard().relocate(row.key, read_place(row.value), loop_.now());
    some_steps();
  }

  // --- by place ---

  std::vector<LookedMessage> look(std::size_t queue) {
    answer_polls();
    const std::size_t page = 1 + random_.below(20);
    std::vector<LookedMessage> found = loop_.look(ids_[queue], {}, page).value();
    take_replies();
    naive_.looked_at(queue, found, loop_.now());
    return found;
  }
  std::vector<LookedMessage> some_messages(std::size_t queue) {
    std::vector<LookedMessage> found = look(queue);
    std::erase_if(found, [this](const LookedMessage&) { return random_.chance(2, 3); });
    if (found.size() > 5) found.resize(5);
    return found;
  }
  void erase_by_place(std::size_t queue) {
    end_polls();  // whoever waits might get a message that has become visible before it goes
    const std::vector<LookedMessage> chosen = some_messages(queue);
    std::vector<SequenceNumber> sequences;
    for (const LookedMessage& message : chosen) sequences.push_back(message.sequence);
    auto outcomes = std::make_shared<std::vector<MessageOutcome>>(chosen.size());
    await(*loop_.submit([id = ids_[queue], sequences, outcomes](Shard& shard, Timestamp now) {
      shard.erase_messages(id, sequences, *outcomes, now).value();
    }));
    for (const LookedMessage& message : chosen) naive_.erased_by_place(message.id);
  }
  // To another queue, as new messages.
  void move_by_place(std::size_t queue) {
    const std::size_t target = (queue + 1) % kQueues;
    end_polls();
    for (const LookedMessage& message : some_messages(queue)) {
      const std::vector<LookedMessage> before = look(target);
      const std::vector<std::optional<ApiError>> refused =
          loop_.move_messages(ids_[queue], ids_[target], {message.sequence});
      const bool in_flight = message.state == MessageState::in_flight;
      if (refused.front().has_value() != in_flight) {
        throw std::runtime_error("a move was refused, or was not");
      }
      if (in_flight) continue;
      naive_.erased_by_place(message.id);
      const std::vector<LookedMessage> after =
          loop_.look(ids_[target], {}, 1 + random_.below(20)).value();
      if (after.size() != before.size() + 1 || after.back().body != message.body) {
        throw std::runtime_error("a moved message did not arrive");
      }
      naive_.sent(target, after.back().id, message.body, message.group_id, 0, loop_.now());
    }
  }

  // Everything comes back after the longest timeout; whatever is certain must be received then.
  void drain() {
    loop_.settle();
    take_replies();
    advance_stepwise(seconds(43'201));
    loop_.settle();
    take_replies();
    const Milliseconds timeout = seconds(43'200);
    for (std::size_t queue = 0; queue < kQueues; ++queue) {
      for (unsigned empty = 0; empty < 2;) {
        const std::vector<Delivery> deliveries = loop_.poll(ids_[queue], 10, timeout);
        for (const Delivery& delivery : deliveries) {
          naive_.delivered(queue, delivery, timeout, loop_.now());
        }
        empty = deliveries.empty() ? empty + 1 : 0;
      }
    }
    naive_.drained(loop_.now());
  }

  const Plan& plan_;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_;
  NaiveWorld naive_;
  Random random_{0};
  std::array<QueueId, kQueues> ids_{};
  std::vector<Handle> handles_;
  std::vector<Poll> polls_;
  std::vector<std::pair<std::size_t, MessageId>> unanswered_;  // sends so far
  std::vector<std::pair<std::size_t, MessageId>> doubted_;     // by the crash that follows
  std::uint64_t sent_ = 0;
};

TEST(Model, AgreesWithTheNaiveQueue) {
  constexpr std::array<std::size_t, 3> kMemory{1, 6'000, std::size_t{256} << 20};
  check_random_runs(kKinds, kMemory, [](const Plan& plan) { StandardRun(plan).go(); });
}

}  // namespace
}  // namespace millrace
