#include "sim/workload.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace millrace::sim {

namespace {

constexpr Milliseconds kWaitMax = seconds(5);
constexpr Milliseconds kDrainVisibility = seconds(20);
constexpr std::string_view kArnPrefix = "arn:aws:sqs:sim:000000000000:q";
// Every task ends within so many steps: the slowest one moves ten messages a second, and a message
// group may be held up for the longest visibility timeout.
constexpr int kMoveStepsMax = 600;
// A server that takes more steps than this within one millisecond goes round in circles.
constexpr std::uint64_t kStepsAtOnceMax = 20'000;
// What a run does is bounded, so that every seed takes seconds: what costs most grows with the
// messages that wait in a small memory.
constexpr std::size_t kRequestsMax = 6'000;
constexpr std::size_t kMessagesMax = 2'500;

}  // namespace

Workload::Workload(const Plan& plan, std::uint64_t seed)
    : plan_(plan),
      world_(plan, seed),
      events_(world_.events),
      random_(world_.events.random()),
      began_(events_.now()),
      clients_(plan.clients),
      slots_(plan.queues.size()) {
  world_.find_queue = [this](std::string_view arn) { return find_queue(arn); };
  world_.opened = [this](unsigned shard) { opened(shard); };
  world_.crashed = [this](unsigned shard) { auditor_.crashed(shard); };
  world_.clock_stepped = [this](Timestamp from, Milliseconds ahead) {
    auditor_.clock_stepped(from, ahead);
  };
}

Driver& Workload::driver_of(QueueNumber queue) {
  return *world_.drivers[facts_.at(queue).shard];
}

std::optional<std::string> Workload::run() {
  for (const auto& driver : world_.drivers) driver->open();
  for (unsigned slot = 0; slot < slots_.size(); ++slot) create(slot, [] {});
  for (std::size_t client = 0; client < clients_.size(); ++client) think(client);
  schedule_faults();
  const Timestamp end = events_.now() + plan_.length;
  while (acting_ && events_.now() < end && advance(seconds(1) * plan_.pace)) {
  }
  if (!auditor_.violation()) heal_and_drain();
  return auditor_.violation();
}

// Lets time pass. @return false when the run is over: a promise is broken.
bool Workload::advance(Milliseconds by) {
  const Timestamp until = events_.now() + by;
  while (!auditor_.violation() && events_.step(until)) {
    if (events_.steps_at_once() > kStepsAtOnceMax) {
      auditor_.broken("the server goes round in circles");
    }
  }
  return !auditor_.violation();
}

Milliseconds Workload::below(Milliseconds limit) {
  return static_cast<Milliseconds>(random_.below(static_cast<std::uint64_t>(limit)));
}

// --- queues ---

void Workload::create(unsigned slot, std::function<void()> then) {
  const QueueNumber queue = auditor_.create_requested(plan_.queues[slot]);
  facts_[queue] = plan_.queues[slot];
  versions_[queue] = {plan_.queues[slot]};
  slots_[slot].busy = true;
  ++busy_;
  driver_of(queue).submit(
      [this, queue](Shard& shard, Timestamp now) {
        ids_[queue] = shard.create_queue(definition(queue, 0), settings(queue), now);
      },
      [this, slot, queue, then = std::move(then)](Outcome outcome) {
        --busy_;
        slots_[slot].busy = false;
        if (outcome == Outcome::done) {
          auditor_.created(queue);
          slots_[slot].queue = queue;
          configure_all();
        }
        then();
      });
}

std::string Workload::definition(QueueNumber queue, VersionNumber version) const {
  return std::to_string(queue) + "/" + std::to_string(version);
}

QueueSettings Workload::settings(QueueNumber queue) const {
  const QueueFacts& facts = facts_.at(queue);
  QueueSettings settings;
  settings.retention = facts.retention;
  settings.receive_count_max = facts.receive_count_max;
  settings.fifo = facts.fifo;
  settings.delay = facts.fifo ? facts.delay : 0;
  settings.deduplicate_by_group = facts.deduplicate_by_group;
  settings.encryption.on = facts.encrypted;
  settings.arn = std::string(kArnPrefix) + std::to_string(facts.slot);
  if (facts.dead_letter_slot) {
    if (const auto target = slots_[*facts.dead_letter_slot].queue) {
      settings.dead_letter_queue = ids_.at(*target);
      settings.dead_letters_leave_shard = facts_.at(*target).shard != facts.shard;
    }
  }
  return settings;
}

std::optional<QueueId> Workload::find_queue(std::string_view arn) const {
  const std::optional<QueueNumber> queue =
      slots_[std::stoul(std::string(arn.substr(kArnPrefix.size())))].queue;
  return queue ? std::optional(ids_.at(*queue)) : std::nullopt;
}

void Workload::configure_all() {
  for (const Slot& slot : slots_) {
    if (!slot.queue || !driver_of(*slot.queue).up()) continue;
    driver_of(*slot.queue).shard().configure_queue(ids_.at(*slot.queue), settings(*slot.queue));
    driver_of(*slot.queue).schedule();
  }
}

// A shard is open (again): its definitions say which queues there are.
void Workload::opened(unsigned shard) {
  std::map<QueueNumber, VersionNumber> present;
  for (const auto& [id, definition] : world_.drivers[shard]->shard().definitions()) {
    const QueueNumber queue = std::stoull(definition);
    present[queue] = std::stoull(definition.substr(definition.find('/') + 1));
    facts_[queue] = versions_.at(queue).at(present[queue]);
    ids_[queue] = id;
  }
  auditor_.opened(shard, present, events_.now());
  for (unsigned slot = 0; slot < slots_.size(); ++slot) {
    if (plan_.queues[slot].shard != shard) continue;
    slots_[slot].queue.reset();
    for (const auto& [queue, version] : present) {
      if (facts_.at(queue).slot == slot) slots_[slot].queue = queue;
    }
  }
  configure_all();
}

// The only refusals that a request of these clients may meet: its queue is gone, it has sent more
// deduplication ids than there is memory for, or the disk is full.
void Workload::refused(QueueNumber queue, const ApiError& error) {
  if (error.code() == ErrorCode::request_throttled && facts_.at(queue).fifo) return;
  if (error.code() == ErrorCode::service_unavailable) return;  // send() looks at the disk
  if (error.code() == ErrorCode::queue_does_not_exist) return auditor_.queue_missing(queue);
  auditor_.broken("queue " + std::to_string(queue) + " refused a request: " + error.message());
}

std::optional<QueueNumber> Workload::any_queue() {
  return slots_[random_.below(slots_.size())].queue;
}

// --- clients ---

void Workload::think(std::size_t client) {
  const auto time = random_.below(static_cast<std::uint64_t>(plan_.think_time_max) + 1);
  events_.after(static_cast<Milliseconds>(time), [this, client] {
    if (acting_) act(client);
  });
}

void Workload::finished(std::size_t client) {
  think(client);
}

void Workload::act(std::size_t client) {
  acting_ = ++requests_ < kRequestsMax;
  // Names that nothing goes by are made again.
  for (unsigned slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].queue || slots_[slot].busy) continue;
    return create(slot, [this, client] { finished(client); });
  }
  std::uint64_t total = 0;
  for (const std::uint64_t weight : plan_.weights) total += weight;
  std::uint64_t chosen = random_.below(total);
  std::size_t action = 0;
  while (chosen >= plan_.weights[action]) chosen -= plan_.weights[action++];
  switch (static_cast<Plan::Action>(action)) {
    case Plan::send:
      return send(client);
    case Plan::receive:
      return receive(client);
    case Plan::erase:
      return erase(client);
    case Plan::change:
      return change(client);
    case Plan::purge:
      if (random_.chance(1, 10)) return purge(client);
      return finished(client);
    case Plan::delete_queue:
      if (random_.chance(1, 10)) return delete_queue(client);
      return finished(client);
    case Plan::move_task:
      return move(client);
    case Plan::set_attributes:
      if (random_.chance(1, 4)) return set_attributes(client);
      return finished(client);
    case Plan::forget:
      clients_[client].held.clear();
      return finished(client);
    case Plan::kActions:
      break;
  }
  CHECK(false);
}

// The group of a message to a standard queue: that of the noisy tenant, of another, or none.
std::string Workload::any_tenant() {
  if (random_.chance(1, 8)) return {};
  return "g" + std::to_string(random_.chance(2, 3) ? 0 : random_.below(plan_.groups));
}

// A group and a deduplication id: a new one, or one of those that were sent lately.
MessagePlace Workload::any_place(QueueNumber queue) {
  MessagePlace place;
  if (facts_.at(queue).tenants) place.group = any_tenant();
  if (!facts_.at(queue).fifo) return place;
  place.group = "g" + std::to_string(random_.below(plan_.groups));
  std::vector<std::string>& ids = deduplication_ids_[queue];
  if (!ids.empty() && random_.chance(1, 4)) {
    const std::uint64_t back = random_.below(random_.chance(1, 4) ? ids.size() : 10);
    place.deduplication_id = ids[ids.size() - 1 - std::min<std::size_t>(back, ids.size() - 1)];
  } else {
    place.deduplication_id = "i" + std::to_string(ids.size());
    ids.push_back(place.deduplication_id);
  }
  return place;
}

void Workload::send(std::size_t client) {
  const std::optional<QueueNumber> queue = any_queue();
  if (!queue || auditor_.messages() >= kMessagesMax) return finished(client);
  struct Request {
    std::vector<MessageNumber> numbers;
    std::vector<std::string> bodies;
    std::vector<Milliseconds> delays;
    std::vector<MessagePlace> places;
    Expected<std::vector<SentMessage>> result = ApiError();
  };
  auto request = std::make_shared<Request>();
  const QueueFacts& facts = facts_.at(*queue);
  const std::uint64_t count = random_.chance(1, 2) ? 1 : 1 + random_.below(10);
  for (std::uint64_t i = 0; i < count; ++i) {
    const bool own_delay = !facts.fifo && random_.chance(1, 2);
    const Milliseconds delay = random_.chance(1, 2) ? below(plan_.delay_max()) : 0;
    request->delays.push_back(own_delay ? delay : facts.delay);
    request->places.push_back(any_place(*queue));
    request->numbers.push_back(auditor_.send_requested(*queue, random_.below(plan_.body_bytes_max),
                                                       request->delays.back(), events_.now(),
                                                       request->places.back()));
    request->bodies.push_back(auditor_.body(request->numbers.back()));
  }
  ++busy_;
  driver_of(*queue).submit(
      [this, queue, request](Shard& shard, Timestamp now) {
        std::vector<NewMessage> messages(request->bodies.size());
        for (std::size_t i = 0; i < messages.size(); ++i) {
          messages[i].body = request->bodies[i];
          messages[i].delay = request->delays[i];
          messages[i].group_id = request->places[i].group;
          messages[i].deduplication_id = request->places[i].deduplication_id;
        }
        request->result = shard.send(ids_.at(*queue), messages, now);
        const bool refused =
            !request->result && request->result.error().code() == ErrorCode::service_unavailable;
        const bool missing = !request->result && !refused;
        if (!missing && refused != driver_of(*queue).disk_full()) {
          auditor_.broken(refused ? "a send was refused though there is room on the disk"
                                  : "a send was taken though the disk is full");
        }
      },
      [this, client, queue, request](Outcome outcome) {
        --busy_;
        if (outcome == Outcome::done && !request->result) refused(*queue, request->result.error());
        if (outcome == Outcome::done && request->result) {
          std::uint64_t before = 0;
          for (std::size_t i = 0; i < request->numbers.size(); ++i) {
            const SentMessage& sent = (*request->result)[i];
            if (!auditor_.sent(request->numbers[i], sent.id, sent.sequence, events_.now())) {
              continue;
            }
            if (sent.sequence.value() <= before) auditor_.broken("a batch was stored out of order");
            before = sent.sequence.value();
          }
        } else if (outcome != Outcome::unknown) {
          for (const MessageNumber number : request->numbers) auditor_.not_sent(number);
        }
        finished(client);
      });
}

// What a receive was answered with, as the auditor is told of it.
std::vector<Workload::Held> Workload::take_answer(const Asked& asked, Outcome outcome,
                                                  const Expected<ReceiveResult>& result,
                                                  bool disturbed, Moment moment) {
  std::vector<Held> held;
  std::vector<DeliveryNumber> deliveries;
  auto end = Auditor::AttemptEnd::unknown;
  if (outcome == Outcome::done && result) {
    // A server that stops answers with nothing, and a poll whose time ends while messages are read.
    const bool cut_short = result->deliveries.empty() && (disturbed || asked.wait > 0);
    if (!cut_short) end = Auditor::AttemptEnd::answered;
    auditor_.answer_begins();
    for (const Delivery& delivery : result->deliveries) {
      const auto number =
          auditor_.received(asked.queue, delivery, moment, asked.timeout, asked.attempt);
      if (!number) continue;
      deliveries.push_back(*number);
      held.push_back({*number, asked.queue, delivery.receipt_handle});
    }
  } else if (outcome == Outcome::done && asked.attempt != 0 &&
             result.error().code() == ErrorCode::invalid_parameter_value) {
    end = Auditor::AttemptEnd::refused;
  } else if (outcome == Outcome::done) {
    refused(asked.queue, result.error());
  }
  if (asked.attempt != 0) auditor_.attempt_ended(asked.attempt, end, deliveries, moment);
  return held;
}

void Workload::start_receive(const Asked& asked, std::function<void(std::vector<Held>)> then) {
  const Timestamp asked_at = events_.now();
  const bool slow = world_.stalls > 0;
  const std::uint64_t disturbances = world_.disturbances;
  auditor_.receive_requested(asked.queue);
  if (asked.attempt != 0) auditor_.attempt_requested(asked.attempt, asked.timeout, asked_at);
  ++busy_;
  auto ended = std::make_shared<bool>(false);
  const std::string attempt_id = asked.attempt == 0 ? "" : std::to_string(asked.attempt);
  const ReceiveRequest request{ids_.at(asked.queue), asked.count, asked.timeout, asked.wait,
                               attempt_id};
  const std::uint64_t number =
      driver_of(asked.queue)
          .receive(
              request, [=, this](Outcome outcome, Expected<ReceiveResult> result, Moment moment) {
                --busy_;
                *ended = true;
                const bool disturbed =
                    slow || disturbances != world_.disturbances || outcome != Outcome::done;
                std::vector<Held> held = take_answer(asked, outcome, result, disturbed, moment);
                auditor_.receive_ended(asked.queue, outcome, asked_at, asked.wait, disturbed,
                                       events_.now());
                then(std::move(held));
              });
  if (asked.wait == 0 || *ended || !random_.chance(1, 6)) return;
  // This client hangs up before its poll is over.
  const auto patience = random_.below(static_cast<std::uint64_t>(asked.wait));
  events_.after(static_cast<Milliseconds>(patience), [=, this] {
    if (*ended || !driver_of(asked.queue).cancel(number)) return;
    --busy_;
    if (asked.attempt != 0) {
      auditor_.attempt_ended(asked.attempt, Auditor::AttemptEnd::unknown, {}, {});
    }
    // What it was about to be given is taken back, but for blocks that have left memory.
    auditor_.receive_ended(asked.queue, Outcome::unknown, asked_at, asked.wait, true,
                           events_.now());
    then({});
  });
}

// No attempt, a new one, or the client's last one once more.
AttemptNumber Workload::any_attempt(Client& client, QueueNumber queue) {
  if (!facts_.at(queue).fifo || random_.chance(1, 2)) return 0;
  if (client.attempt == 0 || client.attempt_queue != queue || random_.chance(1, 2)) {
    client.attempt = auditor_.attempt_planned();
    client.attempt_queue = queue;
  }
  return client.attempt;
}

void Workload::receive(std::size_t client) {
  const std::optional<QueueNumber> queue = any_queue();
  if (!queue) return finished(client);
  const bool own_timeout = random_.chance(2, 3);
  const Milliseconds timeout = random_.chance(1, 5) ? 0 : below(plan_.visibility_max());
  Asked asked;
  asked.queue = *queue;
  asked.count = 1 + static_cast<unsigned>(random_.below(10));
  asked.timeout = own_timeout ? timeout : facts_.at(*queue).visibility_timeout;
  asked.wait = random_.chance(1, 2) ? 0 : below(kWaitMax);
  asked.attempt = any_attempt(clients_[client], *queue);
  start_receive(asked, [this, client](std::vector<Held> held) {
    std::move(held.begin(), held.end(), std::back_inserter(clients_[client].held));
    finished(client);
  });
}

void Workload::start_erase(QueueNumber queue, std::vector<Held> held, std::function<void()> then) {
  auto handles = std::make_shared<std::vector<ReceiptHandle>>();
  for (const Held& one : held) {
    const Expected<ReceiptHandle> handle = world_.sealer.open(one.handle);
    CHECK(handle);
    handles->push_back(*handle);
    auditor_.delete_requested(queue, one.number);
  }
  auto result = std::make_shared<Expected<std::vector<Erased>>>();
  ++busy_;
  driver_of(queue).submit(
      [this, queue, handles, result](Shard& shard, Timestamp now) {
        *result = shard.erase(ids_.at(queue), *handles, now);
      },
      [this, queue, result, held = std::move(held), then = std::move(then)](Outcome outcome) {
        --busy_;
        if (outcome == Outcome::done && !*result) refused(queue, result->error());
        if (outcome == Outcome::done && *result) {
          for (std::size_t i = 0; i < held.size(); ++i) {
            if ((**result)[i] == Erased::expired) {
              auditor_.delete_refused(held[i].number, events_.now());
            } else {
              auditor_.deleted(queue, held[i].number, outcome, events_.now());
            }
          }
        }
        then();
      });
}

void Workload::erase(std::size_t client) {
  std::vector<Held>& held = clients_[client].held;
  if (held.empty()) return finished(client);
  const QueueNumber queue = held[random_.below(held.size())].queue;
  std::vector<Held> chosen;
  std::erase_if(held, [&](const Held& one) {
    if (one.queue != queue || chosen.size() == 10 || random_.chance(1, 4)) return false;
    chosen.push_back(one);
    return !random_.chance(1, 10);  // now and then, one is deleted again later
  });
  if (chosen.empty()) return finished(client);
  start_erase(queue, std::move(chosen), [this, client] { finished(client); });
}

void Workload::change(std::size_t client) {
  const std::vector<Held>& held = clients_[client].held;
  if (held.empty()) return finished(client);
  const Held chosen = held[random_.below(held.size())];
  const Milliseconds timeout = random_.chance(1, 3) ? 0 : below(plan_.visibility_max());
  const Timestamp asked_at = events_.now();
  const Expected<ReceiptHandle> handle = world_.sealer.open(chosen.handle);
  CHECK(handle);
  auditor_.change_requested(chosen.number, timeout, asked_at);
  struct Answer {
    Expected<std::vector<std::optional<ApiError>>> result = ApiError();
  };
  auto answer = std::make_shared<Answer>();
  ++busy_;
  driver_of(chosen.queue)
      .submit(
          [this, chosen, timeout, handle = *handle, answer](Shard& shard, Timestamp now) {
            const Shard::VisibilityChange changes[] = {{handle, chosen.handle, timeout}};
            answer->result = shard.change_visibility(ids_.at(chosen.queue), changes, now);
          },
          [this, client, chosen, timeout, asked_at, answer](Outcome outcome) {
            --busy_;
            if (outcome == Outcome::done && !answer->result) {
              refused(chosen.queue, answer->result.error());
            }
            const bool changed =
                outcome == Outcome::done && answer->result && !answer->result->front();
            auditor_.changed(chosen.number, timeout, asked_at, changed);
            finished(client);
          });
}

void Workload::purge(std::size_t client) {
  const std::optional<QueueNumber> queue = any_queue();
  if (!queue || slots_[facts_.at(*queue).slot].busy) return finished(client);
  slots_[facts_.at(*queue).slot].busy = true;  // one at a time
  auditor_.purge_requested(*queue);
  auto result = std::make_shared<Expected<void>>();
  ++busy_;
  driver_of(*queue).submit(
      [this, queue, result](Shard& shard, Timestamp now) {
        *result = shard.purge_queue(ids_.at(*queue), 0, now);
      },
      [this, client, queue, result](Outcome outcome) {
        --busy_;
        slots_[facts_.at(*queue).slot].busy = false;
        if (outcome == Outcome::done && !*result) refused(*queue, result->error());
        auditor_.purged(*queue, *result ? outcome : Outcome::refused, events_.now());
        finished(client);
      });
}

void Workload::delete_queue(std::size_t client) {
  const std::optional<QueueNumber> queue = any_queue();
  if (!queue || slots_[facts_.at(*queue).slot].busy) return finished(client);
  const unsigned slot = facts_.at(*queue).slot;
  slots_[slot].busy = true;
  auditor_.delete_requested(*queue);
  ++busy_;
  driver_of(*queue).submit(
      [this, queue](Shard& shard, Timestamp) {
        static_cast<void>(shard.delete_queue(ids_.at(*queue)));
      },
      [this, client, slot, queue](Outcome outcome) {
        --busy_;
        slots_[slot].busy = false;
        if (outcome == Outcome::done) {
          auditor_.queue_deleted(*queue, events_.now());
          if (slots_[slot].queue == queue) slots_[slot].queue.reset();
          configure_all();
        }
        finished(client);
      });
}

// What SetQueueAttributes may change: one thing, or several at once.
QueueFacts Workload::changed_facts(QueueNumber queue) {
  QueueFacts facts = facts_.at(queue);
  const QueueFacts& dead_letters = plan_.queues[0];
  do {
    switch (random_.below(6)) {
      case 0:
        facts.visibility_timeout = below(plan_.visibility_max());
        break;
      case 1:
        facts.delay = random_.chance(1, 2) ? 0 : below(plan_.delay_max());
        break;
      case 2:
        facts.retention = random_.chance(1, 4) ? plan_.retention_short() : Plan::kRetentionLong;
        break;
      case 3:
        if (facts.slot == 0 || facts.fifo != dead_letters.fifo) break;
        facts.dead_letter_slot.reset();
        facts.receive_count_max = 0;
        if (random_.chance(1, 4)) break;
        facts.dead_letter_slot = 0;
        facts.receive_count_max = 1 + static_cast<std::uint32_t>(random_.below(5));
        break;
      case 4:
        facts.deduplicate_by_group = facts.fifo && !facts.deduplicate_by_group;
        break;
      default:
        facts.encrypted = !facts.encrypted;
    }
  } while (random_.chance(1, 3));
  return facts;
}

void Workload::set_attributes(std::size_t client) {
  const std::optional<QueueNumber> queue = any_queue();
  if (!queue || slots_[facts_.at(*queue).slot].busy) return finished(client);
  const unsigned slot = facts_.at(*queue).slot;
  slots_[slot].busy = true;
  versions_[*queue].push_back(changed_facts(*queue));
  const VersionNumber version =
      auditor_.attributes_requested(*queue, versions_[*queue].back(), events_.now());
  auto result = std::make_shared<Expected<void>>();
  ++busy_;
  driver_of(*queue).submit(
      [this, queue, version, result](Shard& shard, Timestamp) {
        facts_[*queue] = versions_[*queue][version];
        *result =
            shard.define_queue(ids_.at(*queue), definition(*queue, version), settings(*queue));
      },
      [this, client, slot, queue, version, result](Outcome outcome) {
        --busy_;
        slots_[slot].busy = false;
        if (outcome == Outcome::done && !*result) refused(*queue, result->error());
        auditor_.attributes_set(*queue, version, *result ? outcome : Outcome::refused,
                                events_.now());
        finished(client);
      });
}

void Workload::move(std::size_t client) {
  const PlannedMove& planned = plan_.moves[random_.below(plan_.moves.size())];
  const std::optional<QueueNumber> source = slots_[planned.from].queue;
  const auto then = [this, client] { finished(client); };
  if (!source) return then();
  if (random_.chance(1, 2)) return list_moves(*source, then);
  if (random_.chance(1, 4)) return cancel_move(*source, then);
  start_move(planned, *source, then);
}

void Workload::start_move(const PlannedMove& planned, QueueNumber source,
                          std::function<void()> then) {
  NewMoveTask wanted{.rate = planned.rate};
  if (planned.to) {
    const std::optional<QueueNumber> target = slots_[*planned.to].queue;
    if (!target) return then();
    wanted.destination = ids_.at(*target);
  }
  auditor_.move_requested(source, planned.to);
  auto result = std::make_shared<Expected<MoveTask>>(MoveTask());
  ++busy_;
  driver_of(source).submit(
      [this, source, wanted, result](Shard& shard, Timestamp now) {
        *result = shard.start_move_task(ids_.at(source), wanted, now);
      },
      [this, source, result, then = std::move(then)](Outcome outcome) {
        --busy_;
        const bool done = outcome == Outcome::done;
        auditor_.move_answered(source, done && *result ? &**result : nullptr);
        const bool another =
            !*result && result->error().code() == ErrorCode::invalid_parameter_value;
        if (done && !*result && !another) refused(source, result->error());
        then();
      });
}

// Cancels the newest task, whether or not it still runs.
void Workload::cancel_move(QueueNumber source, std::function<void()> then) {
  auto cancelled = std::make_shared<std::string>();
  ++busy_;
  driver_of(source).submit(
      [this, source, cancelled](Shard& shard, Timestamp) {
        const Expected<std::vector<MoveTask>> tasks = shard.move_tasks(ids_.at(source));
        if (!tasks || tasks->empty()) return;
        if (shard.cancel_move_task(ids_.at(source), tasks->front().id)) {
          *cancelled = tasks->front().id;
        }
      },
      [this, source, cancelled, then = std::move(then)](Outcome outcome) {
        --busy_;
        if (outcome == Outcome::done && !cancelled->empty()) {
          auditor_.move_cancelled(source, *cancelled);
        }
        then();
      });
}

void Workload::list_moves(QueueNumber source, std::function<void()> then) {
  using Tasks = Expected<std::vector<MoveTask>>;
  auto tasks = std::make_shared<Tasks>(std::vector<MoveTask>());
  ++busy_;
  driver_of(source).submit(
      [this, source, tasks](Shard& shard, Timestamp) {
        *tasks = shard.move_tasks(ids_.at(source));
      },
      [this, source, tasks, then = std::move(then)](Outcome outcome) {
        --busy_;
        if (outcome == Outcome::done && !*tasks) refused(source, tasks->error());
        if (outcome == Outcome::done && *tasks) {
          auditor_.moves_listed(source, **tasks, events_.now());
        }
        then();
      });
}

// --- faults ---

void Workload::schedule_faults() {
  const auto repeat = [this](Milliseconds interval, auto self, auto action) -> void {
    if (interval == 0) return;
    const auto next = 1 + random_.below(2 * static_cast<std::uint64_t>(interval));
    events_.after(static_cast<Milliseconds>(next), [this, interval, self, action] {
      if (!world_.faults) return;
      action(*world_.drivers[random_.below(world_.drivers.size())]);
      self(interval, self, action);
    });
  };
  repeat(plan_.crash_interval, repeat, [this](Driver& driver) {
    if (random_.chance(1, 2)) return world_.kill();
    driver.crash(random_.chance(1, 2) ? FaultStore::InFlight::kept : FaultStore::InFlight::lost);
  });
  repeat(plan_.restart_interval, repeat, [](Driver& driver) { driver.restart(); });
  repeat(plan_.relocation_interval, repeat, [](Driver& driver) { driver.relocate_some(); });
  repeat(plan_.full_disk_interval, repeat,
         [this](Driver& driver) { driver.fill_disk(below(plan_.full_disk_interval)); });
}

// --- the end ---

bool Workload::wait_until_idle() {
  for (int second = 0; second < 300; ++second) {
    if (busy_ == 0) return true;
    if (!advance(seconds(1))) return false;
  }
  std::string text = std::to_string(busy_) + " requests never ended";
  for (const auto& driver : world_.drivers) text += "\n  " + driver->text();
  auditor_.broken(std::move(text));
  return false;
}

// Every task that was going on comes to its end, and so does one more of each that was planned.
bool Workload::wait_until_moved() {
  for (std::size_t next = 0; next <= plan_.moves.size(); ++next) {
    for (int step = 0;; ++step) {
      bool moving = false;
      for (const auto& driver : world_.drivers) {
        moving |= !driver->up() || !driver->shard().moving().empty();
      }
      for (const Slot& slot : slots_) {
        if (slot.queue) list_moves(*slot.queue, [] {});
      }
      if (!wait_until_idle()) return false;
      if (!moving) break;
      if (step == kMoveStepsMax) auditor_.broken("a move task never ended");
      if (!advance(seconds(1) * plan_.pace)) return false;
    }
    if (next == plan_.moves.size()) return true;
    const std::optional<QueueNumber> source = slots_[plan_.moves[next].from].queue;
    if (source) start_move(plan_.moves[next], *source, [] {});
    if (!wait_until_idle()) return false;
  }
  return true;
}

QueueCounts Workload::counts() {
  QueueCounts sum;
  for (const Slot& slot : slots_) {
    if (!slot.queue) continue;
    const Expected<QueueCounts> counts =
        driver_of(*slot.queue).shard().counts(ids_.at(*slot.queue), events_.now());
    if (!counts) {
      auditor_.queue_missing(*slot.queue);
      continue;
    }
    sum.visible += counts->visible;
    sum.in_flight += counts->in_flight;
    sum.delayed += counts->delayed;
  }
  return sum;
}

void Workload::heal_and_drain() {
  world_.faults = false;
  acting_ = false;
  for (const auto& driver : world_.drivers) driver->free_disk();
  if (!advance(2 * plan_.down_time_max + 1) || !wait_until_idle() || !wait_until_moved()) return;
  // Every delay, visibility timeout and short retention period ends meanwhile.
  if (!advance(2 * plan_.retention_short() + 2 * plan_.visibility_max())) return;
  const QueueCounts resting = counts();
  auditor_.rests(resting.visible, resting.in_flight, resting.delayed, events_.now());
  int empty_rounds = 0;
  for (int round = 0; round < 1000 && empty_rounds < 2; ++round) {
    bool found = false;
    for (const Slot& slot : slots_) {
      if (slot.queue) drain_queue(*slot.queue, found);
    }
    // What became a dead letter meanwhile may be delayed anew.
    if (!advance(2 * kDrainVisibility + plan_.delay_max())) return;
    empty_rounds = found ? 0 : empty_rounds + 1;
  }
  const QueueCounts left = counts();
  auditor_.drained(left.visible + left.in_flight + left.delayed, events_.now());
  // What is remembered of sends and attempts is over by then.
  if (advance(limits::kDeduplicationWindow + seconds(60))) check_empty_stores();
}

void Workload::drain_queue(QueueNumber queue, bool& found) {
  for (bool more = true; more && !auditor_.violation();) {
    more = false;
    auto ended = std::make_shared<bool>(false);
    start_receive({.queue = queue, .timeout = kDrainVisibility},
                  [this, queue, &found, &more](std::vector<Held> held) {
                    if (held.empty()) return;
                    found = more = true;
                    start_erase(queue, std::move(held), [] {});
                  });
    if (!wait_until_idle()) return;
  }
}

// What has no messages must leave nothing on disk.
void Workload::check_empty_stores() {
  for (const auto& driver : world_.drivers) {
    const std::unique_ptr<Snapshot> snapshot = driver->store().snapshot();
    for (const Family family : {Family::index, Family::state, Family::due, Family::groups,
                                Family::deduplication, Family::transfers}) {
      const auto rows = snapshot->scan(family, {}, {}, SIZE_MAX);
      CHECK(rows);
      for (const Row& row : *rows) {
        const std::optional<TransferKey> key =
            family == Family::transfers ? parse_transfer_key(row.key) : std::nullopt;
        if (key && !key->outbox) continue;  // the highest number applied stays
        auditor_.broken("with every message deleted, family " +
                        std::to_string(static_cast<int>(family)) + " still holds rows");
        return;
      }
    }
  }
}

}  // namespace millrace::sim
