#include "sim/auditor.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/check.h"
#include "base/limits.h"

namespace millrace::sim {

namespace {

std::optional<MessageNumber> number_in(std::string_view body) {
  MessageNumber number = 0;
  if (body.empty() || body.front() != 'm') return std::nullopt;
  const auto parsed = std::from_chars(body.data() + 1, body.data() + body.size(), number);
  if (parsed.ec != std::errc{}) return std::nullopt;
  return number;
}

constexpr Milliseconds kDeduplicationWindow = limits::kDeduplicationWindow;

std::string text_of(Timestamp moment) {
  return std::to_string(moment.milliseconds) + " ms";
}

}  // namespace

void Auditor::broken(std::string text) {
  if (!violation_) violation_ = std::move(text);
}

void Auditor::broken(MessageNumber number, std::string_view promise) {
  broken(std::string(promise) + describe(number));
}

// What is known of a message, for a report.
std::string Auditor::describe(MessageNumber number) const {
  const Message& message = messages_[number];
  std::string text =
      "\n  message " + std::to_string(number) + " of queue " + std::to_string(message.home) +
      ", sent at " + text_of(message.requested_at) +
      (message.sent_at ? ", acknowledged at " + text_of(*message.sent_at) : ", never acknowledged");
  if (message.deleted_at) text += ", delete acknowledged at " + text_of(*message.deleted_at);
  for (const auto& [queue, at] : message.gone_from) {
    text += ", gone from queue " + std::to_string(queue) + " at " + text_of(at);
  }
  for (const Delivered& delivered : deliveries_) {
    if (delivered.message != number) continue;
    text += "\n  received from queue " + std::to_string(delivered.queue) + " at " +
            text_of(delivered.moment.earliest) + ".." + text_of(delivered.moment.latest) +
            ", count " + std::to_string(delivered.count) + ", invisible until " +
            text_of(delivered.until_earliest) + ", after " + std::to_string(delivered.crashes) +
            " crashes";
  }
  return text;
}

// --- queues ---

QueueNumber Auditor::create_requested(const QueueFacts& facts) {
  queues_.emplace_back().facts = facts;
  lives_[facts.slot].insert(queues_.size() - 1);
  add_version(queues_.size() - 1, facts, Timestamp{});
  return queues_.size() - 1;
}

void Auditor::created(QueueNumber queue) {
  queues_[queue].created = true;
}

// --- attributes ---

void Auditor::add_version(QueueNumber queue, const QueueFacts& facts, Timestamp now) {
  queues_[queue].versions.push_back({.facts = facts, .since = now});
  retention_min_ = std::min(retention_min_, facts.retention);
  if (!facts.dead_letter_slot) return;
  feeds_.emplace(facts.slot, *facts.dead_letter_slot);
  if (returns_.contains(*facts.dead_letter_slot)) {
    moves_.emplace(*facts.dead_letter_slot, facts.slot);
  }
  reached_.clear();
}

VersionNumber Auditor::attributes_requested(QueueNumber queue, const QueueFacts& facts,
                                            Timestamp now) {
  add_version(queue, facts, now);
  return queues_[queue].versions.size() - 1;
}

void Auditor::attributes_set(QueueNumber queue, VersionNumber version, Outcome outcome,
                             Timestamp now) {
  Version& changed = queues_[queue].versions[version];
  if (outcome == Outcome::refused) changed.until = std::min(changed.until, now);
  if (outcome != Outcome::done) return;
  changed.acknowledged = true;
  settle(queue, version, now);
}

// No other attributes are in force any more.
void Auditor::settle(QueueNumber queue, VersionNumber version, Timestamp now) {
  std::vector<Version>& versions = queues_[queue].versions;
  for (VersionNumber other = 0; other < versions.size(); ++other) {
    if (other != version) versions[other].until = std::min(versions[other].until, now);
    if (other > version && versions[other].acknowledged) {
      broken("a change of attributes was lost, of queue " + std::to_string(queue));
    }
  }
}

// Whether messages of the queues that go by that name may ever become dead letters.
bool Auditor::has_dead_letters(unsigned slot) const {
  return std::ranges::any_of(feeds_, [&](const auto& feed) { return feed.first == slot; });
}

// So many receives do not lead to the dead-letter queue, at any time.
std::uint32_t Auditor::receives_min(unsigned slot) const {
  std::uint32_t least = UINT32_MAX;
  for (const QueueNumber queue : lives_.at(slot)) {
    for (const Version& version : queues_[queue].versions) {
      if (version.facts.dead_letter_slot) {
        least = std::min(least, version.facts.receive_count_max);
      }
    }
  }
  return least;
}

// The most receives that a message may have at that moment. Nothing: there may be no dead-letter
// queue, and without it a message stays however often it is received.
std::optional<std::uint32_t> Auditor::receives_max(QueueNumber queue, const Moment& moment) const {
  std::uint32_t most = 0;
  for (const Version& version : queues_[queue].versions) {
    if (!in_force(version, moment)) continue;
    const std::optional<unsigned> target = version.facts.dead_letter_slot;
    if (!target || unstable_slots_.contains(*target)) return std::nullopt;
    most = std::max(most, version.facts.receive_count_max);
  }
  return most;
}

Milliseconds Auditor::retention_max(QueueNumber queue, const Moment& moment) const {
  Milliseconds most = 0;
  for (const Version& version : queues_[queue].versions) {
    if (in_force(version, moment)) most = std::max(most, version.facts.retention);
  }
  return most;
}

Milliseconds Auditor::delay_min(QueueNumber queue, const Moment& moment) const {
  Milliseconds least = INT64_MAX;
  for (const Version& version : queues_[queue].versions) {
    if (in_force(version, moment)) least = std::min(least, version.facts.delay);
  }
  return least;
}

// Whether two sends with the same deduplication id, both at that time, may be one to the queue.
bool Auditor::may_be_same(const Message& message, const Message& other,
                          const Moment& moment) const {
  return message.group == other.group ||
         std::ranges::any_of(queues_[message.home].versions, [&](const Version& version) {
           return in_force(version, moment) && !version.facts.deduplicate_by_group;
         });
}

// Whether they surely are.
bool Auditor::is_same(const Message& message, const Message& other, const Moment& moment) const {
  const std::vector<Version>& versions = queues_[message.home].versions;
  const auto by_group = [&](bool wanted) {
    return std::ranges::all_of(versions, [&](const Version& version) {
      return !in_force(version, moment) || version.facts.deduplicate_by_group == wanted;
    });
  };
  return by_group(false) || (by_group(true) && message.group == other.group);
}

// --- the ends of queues ---

bool Auditor::surely_exists(QueueNumber queue) const {
  return queues_[queue].created && !queues_[queue].delete_requested;
}

// What tasks may have brought there is gone with the rest.
void Auditor::remove_visitors(QueueNumber queue) {
  if (moves_.empty()) return;
  for (Message& message : messages_) {
    const unsigned home = queues_[message.home].facts.slot;
    if (message.home != queue && travels(message) &&
        reached_from(home).contains(queues_[queue].facts.slot)) {
      ++message.removals;
    }
  }
}

void Auditor::remove_all(QueueNumber queue) {
  remove_visitors(queue);
  for (const MessageNumber number : queues_[queue].members) ++messages_[number].removals;
  const unsigned slot = queues_[queue].facts.slot;
  for (Message& message : messages_) {
    if (feeds_.contains({queues_[message.home].facts.slot, slot}) && may_have_moved(message)) {
      ++message.removals;
    }
  }
}

void Auditor::delete_requested(QueueNumber queue) {
  queues_[queue].delete_requested = true;
  unstable_slots_.insert(queues_[queue].facts.slot);
  remove_all(queue);
}

void Auditor::queue_deleted(QueueNumber queue, Timestamp now) {
  if (!queues_[queue].deleted_at) queues_[queue].deleted_at = now;
  remove_visitors(queue);
}

void Auditor::opened(unsigned shard, const std::map<QueueNumber, VersionNumber>& present,
                     Timestamp now) {
  for (QueueNumber number = 0; number < queues_.size(); ++number) {
    Queue& queue = queues_[number];
    if (queue.facts.shard != shard) continue;
    const bool here = present.contains(number);
    if (queue.deleted_at && here) broken("a deleted queue came back: " + std::to_string(number));
    if (surely_exists(number) && !here) broken("a queue was lost: " + std::to_string(number));
    // What a restart has shown is as good as an answer.
    queue.created |= here;
    if (here) settle(number, present.at(number), now);
    if (queue.delete_requested && !here) queue_deleted(number, now);
  }
}

void Auditor::queue_missing(QueueNumber queue) {
  if (surely_exists(queue)) {
    broken("a queue was said not to exist: " + std::to_string(queue));
  }
}

// A purge under way may forget the deduplication ids of all that was sent until it has ended.
void Auditor::forget_ids(QueueNumber queue) {
  for (const MessageNumber number : queues_[queue].members) {
    messages_[number].id_may_be_forgotten = true;
  }
}

void Auditor::purge_requested(QueueNumber queue) {
  remove_all(queue);
  forget_ids(queue);
  Queue& purged = queues_[queue];
  purged.purging.clear();
  for (const MessageNumber number : purged.members) {
    if (messages_[number].sent_at || messages_[number].seen) purged.purging.push_back(number);
  }
}

void Auditor::purged(QueueNumber queue, Outcome outcome, Timestamp now) {
  forget_ids(queue);
  remove_visitors(queue);
  if (outcome != Outcome::done) return;
  for (const MessageNumber number : queues_[queue].purging) {
    messages_[number].gone_from.emplace(queue, now);
  }
}

// --- sending ---

MessageNumber Auditor::send_requested(QueueNumber queue, std::size_t body_size, Milliseconds delay,
                                      Timestamp now, const MessagePlace& place) {
  Message message;
  message.group = place.group;
  if (queues_[queue].facts.fifo) {
    message.deduplication_id = place.deduplication_id;
    queues_[queue].sends[message.deduplication_id].push_back(messages_.size());
  }
  message.home = queue;
  message.body_size = body_size;
  message.delay = delay;
  message.requested_at = now;
  message.sequence_floor = queues_[queue].sequence_floor;
  message.removals = surely_exists(queue) ? 0 : 1;
  messages_.push_back(message);
  queues_[queue].members.push_back(messages_.size() - 1);
  return messages_.size() - 1;
}

std::string Auditor::body(MessageNumber message) const {
  std::string text = "m" + std::to_string(message) + " ";
  while (text.size() < messages_[message].body_size) {
    text += static_cast<char>('a' + (message + text.size()) % 26);
  }
  return text;
}

void Auditor::not_sent(MessageNumber number) {
  const Message& message = messages_[number];
  std::erase(queues_[message.home].sends[message.deduplication_id], number);
}

// Whether the answer is that to an earlier send with the same deduplication id. If the answer to
// such a one was lost, nobody can tell which of the two was stored.
bool Auditor::is_repeat(MessageNumber number, const MessageId& id, Timestamp now) {
  Message& message = messages_[number];
  bool perhaps = false;
  for (const MessageNumber other : queues_[message.home].sends[message.deduplication_id]) {
    const Message& earlier = messages_[other];
    if (other >= number) break;
    if (earlier.repeat) continue;
    const bool may_be = may_be_same(message, earlier, {earlier.requested_at, now});
    if (!earlier.id_known) perhaps |= may_be;
    if (!earlier.id_known || earlier.id != id) continue;
    message.repeat = true;
    if (!may_be) {
      broken(number, "a send was taken for a repeat of one to another group, message " +
                         std::to_string(other));
    }
    if (earlier.sent_at &&
        clock_.at(*earlier.sent_at) + kDeduplicationWindow <= clock_.at(message.requested_at)) {
      broken(number, "a send was taken for a repeat of an older one than five minutes, message " +
                         std::to_string(other));
    }
    return true;
  }
  return perhaps;
}

// The message was stored between its request and `by`.
void Auditor::accepted(MessageNumber number, Timestamp by) {
  Message& message = messages_[number];
  if (message.accepted_by) return;
  message.accepted_by = by;
  for (const MessageNumber other : queues_[message.home].sends[message.deduplication_id]) {
    const Message& second = messages_[other];
    if (other == number || !second.accepted_by) continue;
    if (message.id_may_be_forgotten || second.id_may_be_forgotten) continue;
    const Milliseconds apart_max =
        std::max(clock_.latest(by) - clock_.at(second.requested_at),
                 clock_.latest(*second.accepted_by) - clock_.at(message.requested_at));
    const Moment meanwhile{std::min(message.requested_at, second.requested_at),
                           std::max(by, *second.accepted_by)};
    if (apart_max < kDeduplicationWindow && is_same(message, second, meanwhile)) {
      broken(number, "it was stored although message " + std::to_string(other) +
                         " has the same deduplication id");
    }
  }
}

bool Auditor::sent(MessageNumber number, const MessageId& id, SequenceNumber sequence,
                   Timestamp now) {
  Message& message = messages_[number];
  Queue& home = queues_[message.home];
  if (home.facts.fifo && is_repeat(number, id, now)) return false;
  if (message.id_known && message.id != id) broken(number, "a send was told another message's id");
  message.sent_at = now;
  message.id = id;
  message.id_known = true;
  message.sequence = sequence.value();
  if (sequence.value() <= message.sequence_floor ||
      !home.sequences.insert(sequence.value()).second) {
    broken(number, "sequence number " + std::to_string(sequence.value()) +
                       " does not rise above that of an earlier send, " +
                       std::to_string(message.sequence_floor));
  }
  home.sequence_floor = std::max(home.sequence_floor, sequence.value());
  if (home.facts.fifo) {
    accepted(number, now);
    if (!message.seen) home.groups[message.group].emplace(sequence.value(), number);
  }
  return true;
}

// --- receiving ---

// When a visibility timeout ends, on the server's clock. Without one there is nothing to end, not
// even where the clock has gone back.
Timestamp Auditor::hidden_until(Timestamp moment, Milliseconds timeout) const {
  return timeout > 0 ? clock_.at(moment) + timeout : Timestamp{};
}

void Auditor::receive_requested(QueueNumber queue) {
  ++queues_[queue].receives_under_way;
}

void Auditor::receive_ended(QueueNumber queue, Outcome outcome, Timestamp requested_at,
                            Milliseconds wait, bool disturbed, Timestamp now) {
  --queues_[queue].receives_under_way;
  if (outcome == Outcome::unknown) ++queues_[queue].receives_lost;
  if (!disturbed && now - requested_at > wait + kPollSlack) {
    broken("a receive of queue " + std::to_string(queue) + " that asked to wait " +
           std::to_string(wait) + " ms was answered after " + std::to_string(now - requested_at) +
           " ms");
  }
}

std::optional<DeliveryNumber> Auditor::received(QueueNumber queue, const Delivery& delivery,
                                                Moment moment, Milliseconds visibility_timeout,
                                                AttemptNumber attempt) {
  const std::optional<MessageNumber> found = number_in(delivery.message.body);
  if (!found || *found >= messages_.size() || delivery.message.body != body(*found)) {
    broken("queue " + std::to_string(queue) +
           " gave a message that nobody sent: " + std::string(delivery.message.body.substr(0, 40)));
    return std::nullopt;
  }
  const MessageNumber number = *found;
  Message& message = messages_[number];
  const Stay stay{queue, delivery.sequence.value()};
  if (as_sent(message, stay) || !travels(message)) {
    if (!message.id_known) message.id = delivery.id;
    message.id_known = true;
    if (message.id != delivery.id) broken(number, "a message changed its id");
  }
  check_place(number, queue, delivery, moment);
  check_visibility(number, queue, delivery, moment, attempt);
  note_stay(number, stay, moment);
  if (delivery.message.group_id != message.group) broken(number, "a message changed its group");
  if (queues_[queue].facts.fifo) check_group(number, queue, delivery, moment);

  Delivered delivered;
  delivered.message = number;
  delivered.queue = queue;
  delivered.moment = moment;
  delivered.until_earliest = hidden_until(moment.earliest, visibility_timeout);
  delivered.count = delivery.receive_count;
  delivered.highest_count = delivered.count;
  if (message.last) {
    // An answer may come after that to a receive that was served after it.
    const Delivered& last = deliveries_[*message.last];
    const bool same = Stay{last.queue, last.sequence} == stay;
    if (same) delivered.highest_count = std::max(delivered.count, last.highest_count);
  }
  delivered.sequence = stay.sequence;
  delivered.crashes = crashes_[queues_[queue].facts.shard];
  delivered.receives_lost = queues_[queue].receives_lost;
  delivered.in_order = moment.earliest == moment.latest || !message.last ||
                       deliveries_[*message.last].moment.latest < moment.earliest;
  delivered.answer = answer_;
  delivered.attempt = attempt;
  deliveries_.push_back(delivered);
  message.seen = true;
  message.last = deliveries_.size() - 1;
  if (attempt != 0) attempts_[attempt].all.push_back(*message.last);
  if (!as_sent(message, stay) && (!message.moved_to || travels(message))) {
    if (!message.moved_to) message.moved_at = moment.latest;
    message.moved_to = queue;
    queues_[queue].members.push_back(number);
  }
  return deliveries_.size() - 1;
}

// Whether the message may be received from this queue at all.
void Auditor::check_place(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                          const Moment& moment) {
  const Message& message = messages_[number];
  const unsigned home = queues_[message.home].facts.slot;
  if (message.deleted_at && moment.earliest >= *message.deleted_at) {
    broken(number, "an acknowledged delete came back to queue " + std::to_string(queue) + " at " +
                       text_of(moment.latest));
  }
  const auto gone = message.gone_from.find(queue);
  const Stay stay{queue, delivery.sequence.value()};
  const bool first = as_sent(message, stay);
  const bool strict = first || !travels(message);
  if (strict && gone != message.gone_from.end() && moment.earliest >= gone->second) {
    broken(number, "a purged message came back");
  }
  const std::optional<Timestamp> deleted_at = queues_[queue].deleted_at;
  if (deleted_at && moment.earliest > *deleted_at) {
    broken(number, "a deleted queue gave a message");
  }
  // In a FIFO queue, or where a task has taken it, a moved message ages anew.
  const bool ages = first || (strict && !queues_[queue].facts.fifo);
  if (ages && message.sent_at &&
      clock_.at(*message.sent_at) + retention_max(queue, moment) <= clock_.at(moment.earliest)) {
    broken(number, "a message was received after its retention period");
  }
  const auto left = message.left.find(stay);
  if (left != message.left.end() && moment.earliest >= left->second) {
    broken(number, "a message was received from where it had been before it moved");
  }
  if (first) {
    if (message.moved_to && moment.earliest >= message.moved_at) {
      broken(number, "a message was received from its dead-letter queue and then from its first");
    }
    return;
  }
  if (!strict) return check_elsewhere(number, queue, delivery);
  const bool allowed = feeds_.contains({home, queues_[queue].facts.slot});
  if (!allowed || (message.moved_to && *message.moved_to != queue)) {
    broken(number, "a message was received from a queue that it cannot be in");
  } else if (delivery.receive_count <= receives_min(home)) {
    broken(number, "a message is in the dead-letter queue before it was received often enough");
  }
}

// Whether the message may still be where nothing behind it in its group can be received.
bool Auditor::may_be_out_of_the_way(const Message& message, const Stay& stay, Timestamp now) const {
  const QueueNumber queue = stay.queue;
  if (may_be_gone(message) || expired(message, now)) return true;
  const Delivered* last = message.last ? &deliveries_[*message.last] : nullptr;
  if (last != nullptr && last->queue == queue && last->answer == answer_) return true;
  const Queue& from = queues_[queue];
  if (from.may_be_moving || stay.sequence <= from.moving_up_to) return true;
  if (!has_dead_letters(from.facts.slot)) return false;
  // It may have moved: receives that nobody has been told of count as well.
  return message.moved_to || from.receives_lost > 0 || from.receives_under_way > 1 ||
         (last != nullptr && last->highest_count >= receives_min(from.facts.slot));
}

// Whether it is the turn of the message in its group.
void Auditor::check_group(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                          const Moment& moment) {
  Message& message = messages_[number];
  if (message.repeat) broken(number, "a repeat was stored as well");
  const std::uint64_t sequence = delivery.sequence.value();
  if (queue == message.home) accepted(number, moment.latest);
  if (as_sent(message, {queue, sequence})) {
    if (message.sequence && *message.sequence != sequence) {
      broken(number, "a message changed its sequence number");
    }
    message.sequence = sequence;
  } else if (travels(message)) {
    check_move_order(number, {queue, sequence}, !delivery.message.dead_letter_source_arn.empty());
  }
  std::map<std::uint64_t, MessageNumber>& group = queues_[queue].groups[message.group];
  if (group.emplace(sequence, number).first->second != number) {
    broken(number, "a message has the sequence number of another one");
  }
  for (auto earlier = group.begin(); earlier->first < sequence;) {
    const Message& before = messages_[earlier->second];
    if (before.deleted_at || before.gone_from.contains(queue)) {
      earlier = group.erase(earlier);
      continue;
    }
    if (!may_be_out_of_the_way(before, {queue, earlier->first}, moment.latest)) {
      broken(number, "in queue " + std::to_string(queue) + ", group " + message.group +
                         ", a message was received at " + text_of(moment.earliest) + ".." +
                         text_of(moment.latest) +
                         " before another one:" + describe(earlier->second) + "\n and that is");
    }
    ++earlier;
  }
}

// Whether it may be received at this moment.
void Auditor::check_visibility(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                               const Moment& moment, AttemptNumber attempt) {
  Message& message = messages_[number];
  const std::uint64_t crashes = crashes_[queues_[queue].facts.shard];
  const Delivered* last = message.last ? &deliveries_[*message.last] : nullptr;
  if (attempt != 0 && last != nullptr && last->attempt == attempt) return;
  const Timestamp shown = clock_.latest(moment.latest);  // what has ended does not begin anew
  const bool fifo = queues_[queue].facts.fifo;
  // What an attempt brings again was taken under the attributes of its first time.
  const Moment taken{attempt != 0 ? attempts_[attempt].requested_at : moment.earliest,
                     moment.latest};
  // The delay of a FIFO queue is that which holds now.
  const bool first = as_sent(message, {queue, delivery.sequence.value()});
  const Milliseconds delay = !fifo ? message.delay : first ? delay_min(queue, taken) : 0;
  if (delay > 0 && shown < clock_.at(message.requested_at) + delay) {
    broken(number, "a message was received at " + text_of(moment.latest) + " (the clock shows " +
                       text_of(shown) + ") before its delay was over: " + std::to_string(delay) +
                       " ms");
  }
  const Stay stay{queue, delivery.sequence.value()};
  const bool calm = last != nullptr && Stay{last->queue, last->sequence} == stay &&
                    (last->crashes == crashes || fifo);
  // An answer may come late, after that to a receive that was served after it.
  const bool later =
      calm && (moment.earliest == moment.latest || moment.earliest > last->moment.latest);
  if (later && shown < last->until_earliest) {
    broken(number, "a message was received at " + text_of(moment.latest) +
                       ", inside another receive's visibility timeout");
  }
  if (later && delivery.receive_count <= last->count) {
    broken(number, "a receive count did not rise: " + std::to_string(delivery.receive_count) +
                       " at " + text_of(moment.latest));
  }
  if (!first) return;
  message.receives_since_crash = calm ? message.receives_since_crash + 1 : 1;
  const std::optional<std::uint32_t> most = receives_max(queue, taken);
  if (most && delivery.receive_count > *most) {
    broken(number, "a message was received more than maxReceiveCount times");
  }
  if (most && message.receives_since_crash > *most) {
    broken(number, "more than maxReceiveCount receives did not lead to the dead-letter queue");
  }
}

// --- move tasks ---

// The slots in which a message may be that was sent to `slot`.
const std::set<unsigned>& Auditor::reached_from(unsigned slot) const {
  const auto [found, fresh] = reached_.try_emplace(slot);
  std::set<unsigned>& reached = found->second;
  if (!fresh) return reached;
  std::vector<unsigned> open{slot};
  while (!open.empty()) {
    const unsigned next = open.back();
    open.pop_back();
    if (!reached.insert(next).second) continue;
    for (const auto* ways : {&feeds_, &moves_}) {
      for (const auto& [from, to] : *ways) {
        if (from == next) open.push_back(to);
      }
    }
  }
  return reached;
}

// Whether a task may have moved the message.
bool Auditor::travels(const Message& message) const {
  if (moves_.empty()) return false;
  const std::set<unsigned>& reached = reached_from(queues_[message.home].facts.slot);
  return std::ranges::any_of(moves_,
                             [&](const auto& move) { return reached.contains(move.first); });
}

// Whether the message is there because it was sent there, and has not come back.
bool Auditor::as_sent(const Message& message, const Stay& stay) const {
  if (stay.queue != message.home) return false;
  return !travels(message) || message.sequence == stay.sequence;
}

// Where dead-letter queues and tasks may have brought it.
void Auditor::check_elsewhere(MessageNumber number, QueueNumber queue, const Delivery& delivery) {
  const unsigned slot = queues_[queue].facts.slot;
  const std::string_view arn = delivery.message.dead_letter_source_arn;
  bool allowed = reached_from(queues_[messages_[number].home].facts.slot).contains(slot);
  if (arn.empty()) {
    // It was sent there, and nobody knows as what; or a task has brought it.
    allowed &= queue == messages_[number].home ||
               std::ranges::any_of(moves_, [&](const auto& move) { return move.second == slot; });
  } else {
    const auto from = static_cast<unsigned>(arn.back() - '0');
    allowed &= feeds_.contains({from, slot});
    if (allowed && delivery.receive_count <= receives_min(from)) {
      broken(number, "a message is in the dead-letter queue before it was received often enough");
    }
  }
  if (!allowed) broken(number, "a message was received from a queue that it cannot be in");
}

// The message is no longer where it was received before, if that is surely older.
void Auditor::note_stay(MessageNumber number, const Stay& stay, const Moment& moment) {
  Message& message = messages_[number];
  if (!travels(message) || !message.last) return;
  const Delivered& last = deliveries_[*message.last];
  const Stay before{last.queue, last.sequence};
  if (before == stay || moment.earliest <= last.moment.latest) return;
  message.left.emplace(before, moment.latest);
  queues_[before.queue].groups[message.group].erase(before.sequence);
}

// A task takes the messages of a group in their order, where there is one way only to go.
void Auditor::check_move_order(MessageNumber number, const Stay& stay, bool dead_letter) {
  const Message& message = messages_[number];
  std::map<std::uint64_t, Stay>& brought = queues_[stay.queue].brought[message.group];
  if (dead_letter || brought.contains(stay.sequence)) return;
  Stay from;
  if (message.last) {
    from = {deliveries_[*message.last].queue, deliveries_[*message.last].sequence};
  } else if (message.sequence) {
    from = {message.home, *message.sequence};
  } else {
    return;
  }
  const unsigned source = queues_[from.queue].facts.slot;
  const unsigned target = queues_[stay.queue].facts.slot;
  const auto leaves = [&](const auto& move) { return move.first == source; };
  const auto goes_on = [&](const auto& move) { return move.first == target; };
  if (!moves_.contains({source, target}) || has_dead_letters(source) || has_dead_letters(target) ||
      std::ranges::count_if(moves_, leaves) != 1 || std::ranges::any_of(moves_, goes_on)) {
    return;
  }
  for (const auto& [sequence, other] : brought) {
    if (other.queue != from.queue) continue;
    if ((sequence < stay.sequence) != (other.sequence < from.sequence)) {
      broken(number, "a task changed the order of group " + message.group);
    }
  }
  brought.emplace(stay.sequence, from);
}

void Auditor::move_requested(QueueNumber source, std::optional<unsigned> target) {
  Queue& from = queues_[source];
  ++from.starts_under_way;
  from.may_be_moving = from.was_moving = true;
  if (target) {
    moves_.emplace(from.facts.slot, *target);
  } else {
    returns_.insert(from.facts.slot);
    for (const auto& [fed, dead_letters] : feeds_) {
      if (dead_letters == from.facts.slot) moves_.emplace(dead_letters, fed);
    }
  }
  reached_.clear();
}

void Auditor::move_answered(QueueNumber source, const MoveTask* task) {
  --queues_[source].starts_under_way;
  if (task != nullptr) queues_[source].tasks[task->id].known = task->record;
}

void Auditor::move_cancelled(QueueNumber source, const std::string& id) {
  queues_[source].tasks[id].cancelled = true;
}

void Auditor::moves_listed(QueueNumber source, const std::vector<MoveTask>& tasks, Timestamp now) {
  using Status = MoveTaskRecord::Status;
  Queue& from = queues_[source];
  const auto is_active = [](Status status) {
    return status == Status::running || status == Status::cancelling;
  };
  const auto fault = [&](const MoveTask& task, const std::string& what) {
    broken("task " + task.id + " of queue " + std::to_string(source) + " " + what);
  };
  const Timestamp shown = clock_.latest(now) + clock_.repeated(now);
  std::size_t active = 0;
  std::set<std::string> listed;
  for (const MoveTask& task : tasks) {
    const MoveTaskRecord& record = task.record;
    active += is_active(record.status) ? 1 : 0;
    listed.insert(task.id);
    const std::int64_t at_once = std::max<std::int64_t>(record.rate / 10, 1);
    if (record.rate > 0 && static_cast<std::int64_t>(record.moved) >
                               at_once + (shown - record.started_at) * record.rate / 1000) {
      fault(task, "moved faster than it was asked to: " + std::to_string(record.moved));
    }
    if (record.failure_reason == kNoSuchTarget && unstable_slots_.empty()) {
      fault(task, "failed although its target is there");
    }
    if (record.failure_reason == kNoSource && record.destination) {
      fault(task, "failed although it was told where messages go");
    }
    const auto known = from.tasks.find(task.id);
    if (known == from.tasks.end()) continue;
    MoveTaskRecord& before = known->second.known;
    if (record.moved < before.moved) fault(task, "has moved less than before");
    const bool goes_on = record.status == Status::running || record.status == Status::completed;
    if (!is_active(before.status) && record.status != before.status) {
      fault(task, "went on after its end");
    } else if (known->second.cancelled && goes_on) {
      fault(task, "went on after it was cancelled");
    }
    before = record;
  }
  for (const auto& [id, task] : from.tasks) {
    const bool forgotten = tasks.size() >= static_cast<std::size_t>(limits::kMoveTasksListed);
    if (!forgotten && !listed.contains(id)) broken("an acknowledged task was lost: " + id);
  }
  if (active > 1) broken("queue " + std::to_string(source) + " has two active tasks");
  if (active > 0 || from.starts_under_way > 0) return;
  from.may_be_moving = false;
  from.moving_up_to = from.sequence_floor;
  for (const auto& [group, messages] : from.groups) {
    if (!messages.empty()) {
      from.moving_up_to = std::max(from.moving_up_to, messages.rbegin()->first);
    }
  }
}

// --- receive attempts ---

AttemptNumber Auditor::attempt_planned() {
  attempts_.emplace_back();
  return attempts_.size() - 1;
}

void Auditor::attempt_requested(AttemptNumber number, Milliseconds timeout, Timestamp now) {
  Attempt& attempt = attempts_[number];
  const Timestamp shown = clock_.at(now);
  if (!attempt.began) {
    attempt.requested_at = now;
    attempt.began = shown;
  }
  attempt.same_until = *attempt.began + kDeduplicationWindow;
  for (const DeliveryNumber delivery : attempt.deliveries) {
    attempt.same_until = std::min(attempt.same_until, deliveries_[delivery].until_earliest);
  }
  for (const DeliveryNumber delivery : attempt.all) {
    Delivered& delivered = deliveries_[delivery];
    delivered.until_earliest = std::min(delivered.until_earliest, hidden_until(now, timeout));
  }
}

void Auditor::attempt_ended(AttemptNumber number, AttemptEnd end,
                            const std::vector<DeliveryNumber>& deliveries, Moment moment) {
  Attempt& attempt = attempts_[number];
  const auto message_of = [&](DeliveryNumber delivery) { return deliveries_[delivery].message; };
  const auto untouched = [&](DeliveryNumber delivery) {
    const Message& message = messages_[message_of(delivery)];
    return !may_be_gone(message) && !expired(message, moment.latest);
  };
  if (end != AttemptEnd::unknown && !attempt.touched &&
      clock_.latest(moment.latest) < attempt.same_until && !attempt.deliveries.empty() &&
      std::ranges::all_of(attempt.deliveries, untouched) &&
      !std::ranges::equal(attempt.deliveries, deliveries, {}, message_of, message_of)) {
    broken(message_of(attempt.deliveries.front()),
           "a repeated receive attempt did not bring the same messages at " +
               text_of(moment.earliest) + ".." + text_of(moment.latest) + " but " +
               std::to_string(deliveries.size()) + " of " +
               std::to_string(attempt.deliveries.size()));
  }
  attempt.deliveries = deliveries;
  attempt.touched = false;
}

// --- deleting and changing visibility ---

void Auditor::delete_requested(QueueNumber, DeliveryNumber delivery) {
  ++messages_[deliveries_[delivery].message].removals;
}

void Auditor::delete_refused(DeliveryNumber number, Timestamp now) {
  const Delivered& delivered = deliveries_[number];
  --messages_[delivered.message].removals;
  if (clock_.latest(now) < delivered.until_earliest) {
    broken(delivered.message,
           "a delete inside the visibility timeout was refused at " + text_of(now));
  }
}

// An outdated handle leaves a message that is in flight again alone, so an acknowledged delete is
// only sure where nobody else can hold the message.
void Auditor::deleted(QueueNumber queue, DeliveryNumber number, Outcome outcome, Timestamp now) {
  if (outcome != Outcome::done) return;
  const Delivered& delivered = deliveries_[number];
  Message& message = messages_[delivered.message];
  const Queue& from = queues_[queue];
  const bool cannot_move = !has_dead_letters(from.facts.slot) && !from.was_moving;
  if (from.facts.fifo) {
    // The message is gone from this queue; beyond its time, it may be in the dead-letter queue.
    if ((cannot_move || clock_.latest(now) < delivered.until_earliest) && !message.deleted_at) {
      message.deleted_at = now;
    }
    return;
  }
  if (message.last != number || !delivered.in_order) return;
  const bool still_mine = clock_.latest(now) < delivered.until_earliest &&
                          delivered.crashes == crashes_[from.facts.shard];
  const bool nobody_else =
      from.receives_under_way == 0 && from.receives_lost == delivered.receives_lost;
  // From its home it may have left for the dead-letter queue unless it was still in flight.
  if (!still_mine && !(nobody_else && cannot_move)) return;
  if (!message.deleted_at) message.deleted_at = now;
}

// The deliveries of the message with the same receive attempt are one to the server, unless it was
// received anew.
std::vector<DeliveryNumber> Auditor::with_same_handle(DeliveryNumber number) const {
  const Delivered& delivered = deliveries_[number];
  if (delivered.attempt == 0) return {number};
  std::vector<DeliveryNumber> same;
  std::ranges::copy_if(attempts_[delivered.attempt].all, std::back_inserter(same),
                       [&](DeliveryNumber other) {
                         return deliveries_[other].message == delivered.message &&
                                deliveries_[other].count == delivered.count;
                       });
  return same;
}

void Auditor::change_requested(DeliveryNumber delivery, Milliseconds timeout, Timestamp now) {
  for (const DeliveryNumber same : with_same_handle(delivery)) {
    Delivered& delivered = deliveries_[same];
    delivered.until_earliest = std::min(delivered.until_earliest, hidden_until(now, timeout));
    attempts_[delivered.attempt].touched = true;
  }
}

void Auditor::changed(DeliveryNumber delivery, Milliseconds timeout, Timestamp requested_at,
                      bool changed) {
  if (!changed) return;
  for (const DeliveryNumber same : with_same_handle(delivery)) {
    deliveries_[same].until_earliest = hidden_until(requested_at, timeout);
  }
}

void Auditor::crashed(unsigned shard) {
  ++crashes_[shard];
}

// --- the end ---

// Whether the message may have been too old at some time, wherever it may have been.
bool Auditor::expired(const Message& message, Timestamp now) const {
  const Timestamp sent_at = clock_.at(message.requested_at);
  if (sent_at + retention_min_ > clock_.latest(now)) return false;
  for (const unsigned slot : reached_from(queues_[message.home].facts.slot)) {
    const auto lives = lives_.find(slot);
    if (lives == lives_.end()) continue;
    for (const QueueNumber queue : lives->second) {
      for (const Version& version : queues_[queue].versions) {
        const Timestamp until = clock_.latest(std::min(version.until, now));
        if (sent_at + version.facts.retention <= until) return true;
      }
    }
  }
  return false;
}

bool Auditor::must_exist(const Message& message, Timestamp now) const {
  return message.sent_at && !may_be_gone(message) && !expired(message, now);
}

bool Auditor::may_have_moved(const Message& message) const {
  return message.seen || queues_[message.home].receives_lost > 0 ||
         queues_[message.home].receives_under_way > 0;
}

void Auditor::rests(std::uint64_t visible, std::uint64_t in_flight, std::uint64_t delayed,
                    Timestamp now) {
  if (in_flight != 0 || delayed != 0) {
    broken("at rest, " + std::to_string(in_flight) + " messages are counted as in flight and " +
           std::to_string(delayed) + " as delayed");
  }
  std::uint64_t least = 0;
  for (const Message& message : messages_) least += must_exist(message, now) ? 1 : 0;
  if (visible < least) {
    broken("at rest, " + std::to_string(visible) + " messages are counted, and at least " +
           std::to_string(least) + " must exist");
  }
  resting_ = visible;
  rested_at_ = now;
  deliveries_before_rest_ = deliveries_.size();
}

bool Auditor::missing_messages(Timestamp now) const {
  return std::any_of(messages_.begin(), messages_.end(),
                     [&](const Message& message) { return must_exist(message, now); });
}

void Auditor::drained(std::uint64_t messages_left, Timestamp now) {
  for (MessageNumber number = 0; number < messages_.size(); ++number) {
    if (must_exist(messages_[number], now)) {
      broken(number, "an acknowledged message was lost");
      return;
    }
  }
  if (messages_left != 0) {
    broken("with everything deleted, " + std::to_string(messages_left) +
           " messages are still counted");
  }
  std::set<MessageNumber> received;
  for (std::size_t i = deliveries_before_rest_; i < deliveries_.size(); ++i) {
    received.insert(deliveries_[i].message);
  }
  // What became too old meanwhile was not received any more; what moves may have to be younger
  // where it comes to.
  const auto expiring = std::ranges::count_if(messages_, [&](const Message& message) {
    const QueueFacts& home = queues_[message.home].facts;
    const bool moves = travels(message) || has_dead_letters(home.slot);
    return expired(message, now) && (moves || !expired(message, rested_at_));
  });
  if (resting_ && (received.size() > *resting_ ||
                   received.size() + static_cast<std::uint64_t>(expiring) < *resting_)) {
    broken("at rest, " + std::to_string(*resting_) + " messages were counted and " +
           std::to_string(received.size()) + " could be received");
  }
}

}  // namespace millrace::sim
