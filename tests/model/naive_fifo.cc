#include "naive_fifo.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/limits.h"

namespace millrace {

namespace {

void expect(bool holds, const std::string& what, const NaiveFifoMessage& message) {
  if (holds) return;
  throw std::runtime_error(what + ": message '" + message.body.substr(0, 12) + "' of group " +
                           message.group + ", sent at " +
                           std::to_string(message.sent_at.milliseconds) + ", visible at " +
                           std::to_string(message.visible_at.milliseconds) + ", received " +
                           std::to_string(message.receive_count) +
                           (message.certain ? "" : ", uncertain") + (message.left ? ", left" : ""));
}

}  // namespace

NaiveFifoMessage* NaiveFifo::find(std::size_t queue, const MessageId& id) {
  for (NaiveFifoMessage& message : queues_[queue].messages) {
    if (message.id == id) return &message;
  }
  return nullptr;
}

const NaiveFifoMessage* NaiveFifo::find(std::size_t queue, const MessageId& id) const {
  return const_cast<NaiveFifo*>(this)->find(queue, id);
}

// Whether a receive may move it, or may have done so.
bool NaiveFifo::leaving(const Queue& queue, const NaiveFifoMessage& message, Timestamp now) {
  if (queue.receive_count_max == 0) return false;
  if (message.left) return true;
  return message.received_here + message.doubtful_counts >= queue.receive_count_max &&
         (message.visible_at <= now || message.doubtful_counts > 0);
}

void NaiveFifo::sent(std::size_t queue, const NewMessage& message, const SentMessage& answer,
                     Timestamp now) {
  Queue& to = queues_[queue];
  std::string key(message.deduplication_id);
  if (to.deduplicate_by_group) key = std::string(message.group_id) + '\n' + key;
  const auto first = to.ids.find(key);
  if (first != to.ids.end() && first->second.sent_at + limits::kDeduplicationWindow > now) {
    if (answer.id != first->second.sent.id || answer.sequence != first->second.sent.sequence) {
      throw std::runtime_error("a duplicate was stored: " + key);
    }
    return;
  }
  NaiveFifoMessage stored;
  stored.id = answer.id;
  stored.sequence = answer.sequence;
  stored.group = message.group_id;
  stored.body = message.body;
  stored.sent_at = now;
  // A crash takes sends that nobody was told of, and their numbers with them.
  std::erase_if(to.messages, [&](const NaiveFifoMessage& other) {
    return !other.certain && !other.left && other.receive_count == 0 &&
           other.sequence >= answer.sequence;
  });
  for (const NaiveFifoMessage& other : to.messages) {
    if (!other.left) expect(other.sequence < answer.sequence, "a later number was given", other);
  }
  to.messages.push_back(stored);
  to.ids[key] = {answer, now};
}

// A dead letter that is seen for the first time in its new queue.
NaiveFifoMessage* NaiveFifo::arrive(std::size_t queue, const Delivery& delivery, Timestamp now) {
  for (std::size_t source = 0; source < queue; ++source) {
    NaiveFifoMessage* moved = find(source, delivery.id);
    if (moved == nullptr || !leaving(queues_[source], *moved, now)) continue;
    NaiveFifoMessage arrived = *moved;
    std::erase_if(queues_[source].messages,
                  [&](const NaiveFifoMessage& other) { return other.id == delivery.id; });
    arrived.received_here = 0;
    arrived.left = false;
    arrived.visible_at = Timestamp{};
    arrived.sequence = delivery.sequence;
    arrived.sent_at = delivery.message.sent_at;  // when it was moved
    std::vector<NaiveFifoMessage>& messages = queues_[queue].messages;
    const auto place =
        std::ranges::lower_bound(messages, arrived.sequence, {}, &NaiveFifoMessage::sequence);
    return &*messages.insert(place, arrived);
  }
  return nullptr;
}

void NaiveFifo::delivered(std::size_t queue, const std::vector<Delivery>& deliveries,
                          Milliseconds visibility_timeout, Timestamp now) {
  const std::uint64_t reply = ++replies_;
  const Queue& from = queues_[queue];
  for (const Delivery& delivery : deliveries) {
    NaiveFifoMessage* message = find(queue, delivery.id);
    if (message == nullptr && queue + 1 == queues_.size()) {
      message = arrive(queue, delivery, now);
    }
    if (message == nullptr) {
      throw std::runtime_error("delivered what is gone or never was there: '" +
                               std::string(delivery.message.body.substr(0, 12)) + "'");
    }
    expect(!message->left, "delivered after its queue was emptied", *message);
    expect(message->reply != reply, "delivered twice in one reply", *message);
    expect(!expired(from, *message, now), "delivered after its retention", *message);
    expect(delivery.message.body == message->body, "another body", *message);
    expect(delivery.message.group_id == message->group, "another group", *message);
    expect(delivery.sequence == message->sequence, "another sequence number", *message);
    expect(!hidden(from, *message, now), "delivered before it is visible", *message);
    expect(from.receive_count_max == 0 || message->received_here < from.receive_count_max,
           "delivered instead of moved", *message);
    for (const NaiveFifoMessage& earlier : from.messages) {
      if (&earlier == message) break;
      if (earlier.group != message->group || earlier.reply == reply || !earlier.certain ||
          expired(from, earlier, now) || leaving(from, earlier, now)) {
        continue;
      }
      expect(false, "passed over for '" + message->body.substr(0, 12) + "'", earlier);
    }
    expect(delivery.receive_count > message->receive_count &&
               delivery.receive_count <= message->receive_count + message->doubtful_counts + 1,
           "receive count " + std::to_string(delivery.receive_count), *message);
    message->received_here += delivery.receive_count - message->receive_count;
    message->receive_count = delivery.receive_count;
    message->doubtful_counts = 0;
    message->doubtful_until = Timestamp{};
    message->certain = true;
    message->received_at = now;
    message->visible_at = now + visibility_timeout;
    message->handle = delivery.receipt_handle;
    message->reply = reply;
  }
}

void NaiveFifo::found_nothing(std::size_t queue, Timestamp now) const {
  const Queue& from = queues_[queue];
  std::set<std::string> blocked;
  for (const NaiveFifoMessage& message : from.messages) {
    if (message.left || expired(from, message, now)) continue;
    if (hidden(from, message, now) || message.doubtful_until > now) {
      blocked.insert(message.group);
      continue;
    }
    const bool there =
        message.certain && !leaving(from, message, now) && !blocked.contains(message.group);
    expect(!there, "a short poll missed it", message);
  }
}

void NaiveFifo::erased(std::size_t queue, const MessageId& id, const std::string& handle,
                       Erased answer, Timestamp now) {
  const NaiveFifoMessage* message = find(queue, id);
  if (message == nullptr) {
    if (answer != Erased::done) throw std::runtime_error("deleted twice, and refused");
    return;
  }
  const Queue& from = queues_[queue];
  const bool held = message->handle == handle && message->visible_at > now;
  const bool known = message->certain && !leaving(from, *message, now) && !message->left &&
                     !expired(from, *message, now) && message->doubtful_counts == 0;
  if (known) expect((answer == Erased::done) == held, "a deletion was taken or refused", *message);
  if (answer == Erased::expired || !held) return;
  std::erase_if(queues_[queue].messages,
                [&](const NaiveFifoMessage& other) { return other.id == id; });
}

void NaiveFifo::visibility_changed(std::size_t queue, const MessageId& id,
                                   const std::string& handle, Milliseconds timeout, bool refused,
                                   Timestamp now) {
  NaiveFifoMessage* message = find(queue, id);
  if (message == nullptr) {
    if (!refused) throw std::runtime_error("changed the visibility of what is gone");
    return;
  }
  const Queue& from = queues_[queue];
  const Milliseconds longest = seconds(limits::kVisibilitySecondsMax);
  const bool allowed = message->handle == handle && message->visible_at > now &&
                       now + timeout - message->received_at <= longest &&
                       !(timeout == longest && now == message->received_at);
  const bool known = message->certain && !leaving(from, *message, now) && !message->left &&
                     !expired(from, *message, now) && message->doubtful_counts == 0;
  if (known)
    expect(refused != allowed, "a change of its visibility was taken or refused", *message);
  if (!refused) message->visible_at = now + timeout;
}

bool NaiveFifo::may_have_come(const MessageId& id, Timestamp now) const {
  return std::ranges::any_of(queues_, [&](const Queue& source) {
    return std::ranges::any_of(source.messages, [&](const NaiveFifoMessage& message) {
      return message.id == id && leaving(source, message, now);
    });
  });
}

void NaiveFifo::check_look(const Queue& queue, const NaiveFifoMessage& message,
                           const LookedMessage& seen, Timestamp now) {
  expect(seen.body == message.body && seen.group_id == message.group &&
             seen.sequence == message.sequence,
         "a look saw it otherwise", message);
  const bool known = message.certain && !leaving(queue, message, now) &&
                     message.doubtful_counts == 0 && message.doubtful_until <= now;
  if (!known) return;
  expect(seen.receive_count == message.receive_count, "a look saw other receives", message);
  const Timestamp due = message.sent_at + queue.delay;
  if (message.visible_at > now) {
    expect(seen.state == MessageState::in_flight && seen.visible_at == message.visible_at,
           "a look did not see it in flight", message);
  } else if (due > now) {
    expect(seen.state == MessageState::delayed && seen.visible_at == due,
           "a look did not see it delayed", message);
  } else {
    expect(seen.state == MessageState::available, "a look did not see it available", message);
  }
}

void NaiveFifo::looked_at(std::size_t queue, const std::vector<LookedMessage>& found,
                          Timestamp now) const {
  const Queue& from = queues_[queue];
  std::set<MessageId> seen;
  SequenceNumber last;
  for (const LookedMessage& one : found) {
    if (one.sequence <= last) throw std::runtime_error("a look saw messages out of order");
    last = one.sequence;
    seen.insert(one.id);
    if (const NaiveFifoMessage* message = find(queue, one.id)) {
      expect(!expired(from, *message, now), "a look saw what is too old", *message);
      check_look(from, *message, one, now);
    } else if (queue + 1 < queues_.size() || !may_have_come(one.id, now)) {
      throw std::runtime_error("a look saw a message that is not there");
    }
  }
  for (const NaiveFifoMessage& message : from.messages) {
    const bool sure =
        message.certain && !expired(from, message, now) && !leaving(from, message, now);
    expect(!sure || seen.contains(message.id), "a look missed it", message);
  }
}

void NaiveFifo::erased_by_place(const MessageId& id) {
  for (Queue& queue : queues_) {
    std::erase_if(queue.messages,
                  [&](const NaiveFifoMessage& message) { return message.id == id; });
  }
}

void NaiveFifo::emptied(std::size_t queue, Timestamp now) {
  Queue& from = queues_[queue];
  from.ids.clear();
  std::erase_if(from.messages,
                [&](const NaiveFifoMessage& message) { return !leaving(from, message, now); });
  for (NaiveFifoMessage& message : from.messages) {
    message.left = true;
    message.certain = false;
  }
  if (queue + 1 < queues_.size()) return;
  // What was on its way here without being seen may be gone as well.
  for (Queue& source : queues_) {
    for (NaiveFifoMessage& message : source.messages) {
      if (leaving(source, message, now)) message.certain = false;
    }
  }
}

NaiveFifo::Repeat NaiveFifo::repeat(const Attempt& attempt, Timestamp now) const {
  if (attempt.began_at + limits::kReceiveAttemptWindow <= now) return Repeat::anew;
  const Queue& from = queues_[attempt.queue];
  std::size_t held = 0;
  std::size_t visible = 0;
  for (const auto& [id, handle] : attempt.deliveries) {
    const NaiveFifoMessage* message = find(attempt.queue, id);
    if (message == nullptr) continue;
    if (!message->certain || message->left || expired(from, *message, now) ||
        leaving(from, *message, now) || message->doubtful_counts > 0) {
      return Repeat::unknown;
    }
    if (message->visible_at <= now) ++visible;
    if (message->visible_at > now && message->handle == handle &&
        message->visible_at == attempt.visible_at) {
      ++held;
    }
  }
  if (visible == attempt.deliveries.size()) return Repeat::anew;
  return held == attempt.deliveries.size() ? Repeat::same : Repeat::refused;
}

void NaiveFifo::repeated(const Attempt& attempt, Milliseconds visibility_timeout, Timestamp now) {
  for (const auto& [id, handle] : attempt.deliveries) {
    if (NaiveFifoMessage* message = find(attempt.queue, id)) {
      message->visible_at = now + visibility_timeout;
    }
  }
}

void NaiveFifo::doubt(std::size_t queue, const MessageId& id) {
  if (NaiveFifoMessage* message = find(queue, id)) message->certain = false;
}

void NaiveFifo::doubt_receive(std::size_t queue, Milliseconds visibility_timeout, Timestamp now) {
  const auto doubt = [&](NaiveFifoMessage& message) {
    ++message.doubtful_counts;
    message.doubtful_until = std::max(message.doubtful_until, now + visibility_timeout);
  };
  for (NaiveFifoMessage& message : queues_[queue].messages) {
    if (!hidden(queues_[queue], message, now)) doubt(message);
  }
  // What has come here without being seen may have been taken as well.
  for (std::size_t source = 0; queue + 1 == queues_.size() && source < queue; ++source) {
    for (NaiveFifoMessage& message : queues_[source].messages) {
      if (leaving(queues_[source], message, now)) doubt(message);
    }
  }
}

void NaiveFifo::counted(std::size_t queue, const QueueCounts& counts, Timestamp now) const {
  const Queue& from = queues_[queue];
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  bool exact = true;
  for (const NaiveFifoMessage& message : from.messages) {
    const bool sure =
        message.certain && !expired(from, message, now) && !leaving(from, message, now);
    exact = exact && sure && message.doubtful_until <= now;
    if (sure) ++least;
    ++most;
    if (message.sent_at + from.delay > now) {
      // A longer delay holds back what has been received already no more.
      if (message.receive_count > 0) exact = false;
      ++delayed;
    } else if (message.visible_at > now) {
      ++in_flight;
    }
  }
  for (std::size_t source = 0; queue + 1 == queues_.size() && source < queue; ++source) {
    for (const NaiveFifoMessage& message : queues_[source].messages) {
      if (!leaving(queues_[source], message, now)) continue;
      ++most;
      exact = false;
    }
  }
  const std::uint64_t total = counts.visible + counts.in_flight + counts.delayed;
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error("queue " + std::to_string(queue) + " counts " +
                             std::to_string(counts.visible) + " + " +
                             std::to_string(counts.in_flight) + " + " +
                             std::to_string(counts.delayed) + ", not " + what);
  };
  if (total < least || total > most) {
    fail("between " + std::to_string(least) + " and " + std::to_string(most));
  }
  if (exact && (counts.in_flight != in_flight || counts.delayed != delayed)) {
    fail(std::to_string(in_flight) + " in flight and " + std::to_string(delayed) + " delayed");
  }
}

void NaiveFifo::drained(Timestamp now) const {
  for (const Queue& queue : queues_) {
    for (const NaiveFifoMessage& message : queue.messages) {
      expect(!message.certain || expired(queue, message, now), "it is lost", message);
    }
  }
}

}  // namespace millrace
