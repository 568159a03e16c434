#include "naive_queue.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/limits.h"

namespace millrace {

namespace {

void expect(bool holds, const std::string& what, const NaiveMessage& message) {
  if (holds) return;
  throw std::runtime_error(what + ": message '" + message.body.substr(0, 12) + "' sent at " +
                           std::to_string(message.sent_at.milliseconds) + ", visible at " +
                           std::to_string(message.visible_at.milliseconds) + ", received " +
                           std::to_string(message.receive_count) +
                           (message.exact ? "" : ", inexact") +
                           (message.certain ? "" : ", uncertain") + (message.left ? ", left" : ""));
}

}  // namespace

NaiveMessage* NaiveWorld::find(std::size_t queue, const MessageId& id) {
  for (NaiveMessage& message : queues_[queue].messages) {
    if (message.id == id) return &message;
  }
  return nullptr;
}

std::uint64_t NaiveWorld::deliveries(std::size_t queue, const MessageId& id) const {
  for (const NaiveMessage& message : queues_[queue].messages) {
    if (message.id == id) return message.deliveries;
  }
  return 0;
}

bool NaiveWorld::leaving(const Queue& queue, const NaiveMessage& message, Timestamp now) const {
  if (queue.receive_count_max == 0) return false;
  if (message.left) return true;
  return message.received_here >= queue.receive_count_max &&
         (message.visible_at <= now || !message.exact);
}

void NaiveWorld::sent(std::size_t queue, const MessageId& id, const std::string& body,
                      const std::string& group, Milliseconds delay, Timestamp now) {
  if (const NaiveMessage* same = find(queue, id)) {
    // A crash took a send that nobody was told of, and its number with it.
    expect(!same->certain && same->deliveries == 0, "its id was given twice", *same);
    std::erase_if(queues_[queue].messages,
                  [&](const NaiveMessage& other) { return other.id == id; });
  }
  NaiveMessage message;
  message.id = id;
  message.body = body;
  message.group = group;
  message.sent_at = now;
  message.visible_at = now + delay;
  message.delayed = delay > 0;
  queues_[queue].messages.push_back(message);
}

std::vector<MessageId> NaiveWorld::first_in_line(std::size_t index, Timestamp now) const {
  const Queue& queue = queues_[index];
  std::uint64_t noisy = 0;
  std::uint64_t others = 0;
  bool sent_lately = false;
  std::vector<MessageId> waiting;
  for (const NaiveMessage& message : queue.messages) {
    const bool certain = message.certain && message.exact && !message.left;
    if (message.group != kNoisyGroup) {
      if (message.visible_at > now || !certain) ++others;
      if (message.visible_at <= now && certain && !expired(queue, message, now) &&
          !leaving(queue, message, now)) {
        waiting.push_back(message.id);
      }
    } else if (certain && message.visible_at > now && message.receive_count > 0 &&
               !expired(queue, message, now)) {
      ++noisy;
      sent_lately |= message.sent_at + seconds(300) > now;
    }
  }
  const bool surely = noisy >= 30 && noisy * 10 > noisy + others && sent_lately;
  return surely ? waiting : std::vector<MessageId>{};
}

void NaiveWorld::delivered(std::size_t queue, const Delivery& delivery,
                           Milliseconds visibility_timeout, Timestamp now) {
  NaiveMessage* message = find(queue, delivery.id);
  if (message == nullptr && queue + 1 == queues_.size()) {
    for (std::size_t source = 0; source < queue && message == nullptr; ++source) {
      NaiveMessage* moved = find(source, delivery.id);
      if (moved == nullptr || !leaving(queues_[source], *moved, now)) continue;
      NaiveMessage arrived = *moved;
      std::erase_if(queues_[source].messages,
                    [&](const NaiveMessage& other) { return other.id == delivery.id; });
      arrived.received_here = 0;
      arrived.left = false;
      arrived.visible_at = std::min(arrived.visible_at, now);
      queues_[queue].messages.push_back(arrived);
      message = &queues_[queue].messages.back();
    }
  }
  if (message == nullptr) {
    throw std::runtime_error("delivered what is gone or never was there: '" +
                             std::string(delivery.message.body.substr(0, 12)) + "'");
  }
  const Queue& from = queues_[queue];
  expect(!message->left, "delivered after its queue was emptied", *message);
  expect(!expired(from, *message, now), "delivered after its retention", *message);
  expect(delivery.message.body == message->body, "another body", *message);
  expect(delivery.message.group_id == message->group, "another group", *message);
  expect(delivery.message.sent_at == message->sent_at, "another time of sending", *message);
  if (message->exact) {
    expect(message->visible_at <= now, "delivered before it is visible", *message);
    expect(delivery.receive_count == message->receive_count + 1,
           "receive count " + std::to_string(delivery.receive_count), *message);
    expect(message->receive_count == 0 || delivery.first_received_at == message->first_received_at,
           "another time of the first receive", *message);
    expect(from.receive_count_max == 0 || message->received_here < from.receive_count_max,
           "delivered instead of moved", *message);
    ++message->received_here;
  } else {
    expect(delivery.receive_count <= message->receive_count + 1,
           "receive count " + std::to_string(delivery.receive_count), *message);
    const std::uint32_t forgotten = message->receive_count + 1 - delivery.receive_count;
    message->received_here =
        message->received_here + 1 > forgotten ? message->received_here + 1 - forgotten : 1;
  }
  message->exact = message->certain = true;
  message->delayed = false;
  message->receive_count = delivery.receive_count;
  message->first_received_at = delivery.first_received_at;
  message->received_at = now;
  message->visible_at = now + visibility_timeout;
  message->handle = delivery.receipt_handle;
  ++message->deliveries;
}

void NaiveWorld::found_nothing(std::size_t queue, Timestamp now) const {
  for (const NaiveMessage& message : queues_[queue].messages) {
    const bool there = message.certain && message.exact && message.visible_at <= now &&
                       !expired(queues_[queue], message, now) &&
                       !leaving(queues_[queue], message, now);
    expect(!there, "a short poll missed it", message);
  }
}

void NaiveWorld::erased(std::size_t queue, const MessageId& id, const std::string& handle,
                        std::uint64_t deliveries, Timestamp now) {
  NaiveMessage* message = find(queue, id);
  if (message == nullptr) return;
  const bool last = message->handle == handle;
  if (message->deliveries != deliveries || leaving(queues_[queue], *message, now) ||
      (!last && !message->exact)) {
    message->certain = false;
    return;
  }
  if (!last && message->visible_at > now) return;  // its new receiver keeps it
  std::erase_if(queues_[queue].messages, [&](const NaiveMessage& other) { return other.id == id; });
}

void NaiveWorld::visibility_changed(std::size_t queue, const MessageId& id,
                                    const std::string& handle, Milliseconds timeout, bool refused,
                                    std::uint64_t deliveries, Timestamp now) {
  NaiveMessage* message = find(queue, id);
  if (message == nullptr) {
    if (!refused) throw std::runtime_error("changed the visibility of what is gone");
    return;
  }
  const bool known = message->exact && message->certain && message->deliveries == deliveries &&
                     !leaving(queues_[queue], *message, now) &&
                     !expired(queues_[queue], *message, now);
  if (known) {
    const Milliseconds longest = seconds(limits::kVisibilitySecondsMax);
    const Milliseconds total = now + timeout - message->received_at;
    const bool allowed = message->handle == handle && total <= longest &&
                         !(timeout == longest && now == message->received_at);
    expect(refused != allowed, "a change of its visibility was taken or refused", *message);
  } else if (!refused && message->handle != handle) {
    message->exact = false;
  }
  if (!refused) message->visible_at = now + timeout;
}

void NaiveWorld::looked_at(std::size_t queue, const std::vector<LookedMessage>& found,
                           Timestamp now) const {
  const Queue& from = queues_[queue];
  std::set<MessageId> seen;
  for (const LookedMessage& one : found) {
    if (!seen.insert(one.id).second) throw std::runtime_error("a look saw a message twice");
    const auto message = std::ranges::find(from.messages, one.id, &NaiveMessage::id);
    if (message == from.messages.end()) {
      const bool moved = std::ranges::any_of(queues_, [&](const Queue& source) {
        return std::ranges::any_of(source.messages, [&](const NaiveMessage& other) {
          return other.id == one.id && leaving(source, other, now);
        });
      });
      if (!moved) throw std::runtime_error("a look saw a message that is not there");
      continue;
    }
    expect(one.body == message->body && one.sent_at == message->sent_at, "a look saw it otherwise",
           *message);
    if (!message->exact || !message->certain || leaving(from, *message, now)) continue;
    const MessageState state = message->visible_at <= now ? MessageState::available
                               : message->delayed         ? MessageState::delayed
                                                          : MessageState::in_flight;
    expect(one.state == state, "a look saw it in another state", *message);
    if (state != MessageState::available) {
      expect(one.visible_at == message->visible_at, "a look saw another time", *message);
    }
    expect(one.receive_count == message->receive_count, "a look saw other receives", *message);
  }
  for (const NaiveMessage& message : from.messages) {
    const bool sure =
        message.certain && !expired(from, message, now) && !leaving(from, message, now);
    expect(!sure || seen.contains(message.id), "a look missed it", message);
  }
}

void NaiveWorld::erased_by_place(const MessageId& id) {
  for (Queue& queue : queues_) {
    std::erase_if(queue.messages, [&](const NaiveMessage& message) { return message.id == id; });
  }
}

void NaiveWorld::emptied(std::size_t queue, Timestamp now) {
  Queue& from = queues_[queue];
  std::erase_if(from.messages,
                [&](const NaiveMessage& message) { return !leaving(from, message, now); });
  for (NaiveMessage& message : from.messages) {
    message.left = true;
    message.certain = false;
  }
  if (queue + 1 < queues_.size()) return;
  // What was on its way here without being seen may be gone as well.
  for (Queue& source : queues_) {
    for (NaiveMessage& message : source.messages) {
      if (leaving(source, message, now)) message.certain = false;
    }
  }
}

void NaiveWorld::crashed() {
  for (Queue& queue : queues_) {
    for (NaiveMessage& message : queue.messages) {
      if (message.receive_count > 0) message.exact = false;
    }
  }
}

void NaiveWorld::doubt(std::size_t queue, const MessageId& id) {
  if (NaiveMessage* message = find(queue, id)) message->certain = false;
}

void NaiveWorld::counted(std::size_t queue, const QueueCounts& counts, Timestamp now) const {
  const Queue& from = queues_[queue];
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  bool exact = true;
  for (const NaiveMessage& message : from.messages) {
    const bool sure =
        message.certain && !expired(from, message, now) && !leaving(from, message, now);
    exact = exact && sure && message.exact;
    if (sure) ++least;
    ++most;
    if (message.visible_at > now) ++(message.delayed ? delayed : in_flight);
  }
  if (queue + 1 == queues_.size()) {
    for (std::size_t source = 0; source < queue; ++source) {
      for (const NaiveMessage& message : queues_[source].messages) {
        if (!leaving(queues_[source], message, now)) continue;
        ++most;
        exact = false;
      }
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

void NaiveWorld::drained(Timestamp now) const {
  for (const Queue& queue : queues_) {
    for (const NaiveMessage& message : queue.messages) {
      const bool lost = message.certain && !expired(queue, message, now) &&
                        (message.visible_at <= now || !message.exact);
      expect(!lost, "it is lost", message);
    }
  }
}

}  // namespace millrace
