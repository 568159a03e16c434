#include "support/loop_harness.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "base/check.h"
#include "runtime/reader.h"
#include "support/test_keyring.h"

namespace millrace {

namespace {

constexpr std::array<std::uint8_t, 32> kKey{7};
// Steps after which a run that does not come to rest is taken for one that never will.
constexpr unsigned kStepsMax = 20'000;

}  // namespace

std::vector<std::string> PendingReceive::bodies() const {
  std::vector<std::string> bodies;
  if (!result || !*result) return bodies;
  for (const Delivery& delivery : (*result)->deliveries) bodies.emplace_back(delivery.message.body);
  return bodies;
}

const std::vector<Delivery>& PendingReceive::deliveries() const {
  if (!result) throw std::runtime_error("the receive was not answered");
  if (!*result) throw std::runtime_error("the receive failed: " + result->error().message());
  return (*result)->deliveries;
}

LoopHarness::LoopHarness(ManualClock& clock, const Options& options)
    : clock_(clock),
      options_(options),
      sealer_(kKey),
      ids_(kKey),
      fingerprints_(kKey),
      keys_(std::make_shared<const Keyring>(test_keyring())),
      store_(std::make_unique<FaultStore>()) {
  open();
}

void LoopHarness::open() {
  ShardOptions options;
  options.number = options_.shard;
  options.epoch = store_->epoch();
  options.memory_bytes = options_.memory_bytes;
  options.batch_bytes_max = options_.batch_bytes_max;
  options.reply_bytes = options_.reply_bytes;
  options.sealer = &sealer_;
  options.ids = &ids_;
  options.fingerprints = &fingerprints_;
  options.keys = &keys_;
  options.find_queue = [this](std::string_view arn) -> std::optional<QueueId> {
    const auto found = arns.find(arn);
    if (found == arns.end()) return std::nullopt;
    return found->second;
  };
  loop_ = std::make_unique<Loop>(options);
  for (const Family family : Shard::kRestored) {
    for (const Row& row : rows(family)) {
      if (!shard().restore(family, row.key, row.value)) {
        throw std::runtime_error("a row could not be restored");
      }
    }
  }
  shard().finish_restore(now());
  for (const auto& [queue, settings] : settings_) shard().configure_queue(queue, settings);
  turn();
}

std::vector<Row> LoopHarness::rows(Family family) const {
  return *store_->snapshot()->scan(family, "", "", SIZE_MAX);
}

// --- doors ---

std::shared_ptr<PendingCall> LoopHarness::submit(std::function<void(Shard&, Timestamp)> work) {
  auto call = std::make_shared<PendingCall>(std::move(work));
  calls_.push_back(call);
  loop_->submit(*call, now());
  turn();
  return call;
}

std::shared_ptr<PendingReceive> LoopHarness::receive(const ReceiveRequest& request) {
  auto receive = std::make_shared<PendingReceive>();
  receives_.push_back(receive);
  receive->waiter = loop_->receive(*receive, request, now());
  turn();
  return receive;
}

QueueId LoopHarness::create_queue(const QueueSettings& settings) {
  QueueId queue;
  submit(
      [&](Shard& shard, Timestamp at) { queue = shard.create_queue("definition", settings, at); });
  settle();
  settings_[queue] = settings;
  return queue;
}

void LoopHarness::configure(QueueId queue, const QueueSettings& settings) {
  settings_[queue] = settings;
  shard().configure_queue(queue, settings);
  turn();
}

std::vector<SequenceNumber> LoopHarness::send(QueueId queue, const std::vector<std::string>& bodies,
                                              Milliseconds delay) {
  std::vector<SequenceNumber> sequences;
  const auto call = submit([&](Shard& shard, Timestamp at) {
    std::vector<NewMessage> messages(bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      messages[i].body = bodies[i];
      messages[i].sender_id = "sender";
      messages[i].delay = delay;
    }
    for (const SentMessage& sent : shard.send(queue, messages, at).value()) {
      sequences.push_back(sent.sequence);
    }
  });
  settle();
  if (!call->succeeded) throw std::runtime_error("the send was not confirmed");
  return sequences;
}

std::vector<Delivery> LoopHarness::poll(QueueId queue, unsigned count_max,
                                        Milliseconds visibility_timeout) {
  const auto received = receive({queue, count_max, visibility_timeout, 0});
  settle();
  return received->deliveries();
}

std::vector<std::string> LoopHarness::poll_bodies(QueueId queue, unsigned count_max,
                                                  Milliseconds visibility_timeout) {
  std::vector<std::string> bodies;
  for (const Delivery& delivery : poll(queue, count_max, visibility_timeout)) {
    bodies.emplace_back(delivery.message.body);
  }
  return bodies;
}

void LoopHarness::erase(QueueId queue, const std::vector<std::string>& handle_texts) {
  std::vector<ReceiptHandle> handles;
  for (const std::string& text : handle_texts) handles.push_back(sealer_.open(text).value());
  const auto call =
      submit([&](Shard& shard, Timestamp at) { shard.erase(queue, handles, at).value(); });
  settle();
  if (!call->succeeded) throw std::runtime_error("the delete was not confirmed");
}

std::optional<ApiError> LoopHarness::change_visibility(QueueId queue,
                                                       const std::string& handle_text,
                                                       Milliseconds timeout) {
  std::optional<ApiError> error;
  const Shard::VisibilityChange change{sealer_.open(handle_text).value(), handle_text, timeout};
  const auto call = submit([&](Shard& shard, Timestamp at) {
    error = shard.change_visibility(queue, {&change, 1}, at).value().front();
  });
  settle();
  if (!call->succeeded) throw std::runtime_error("the change of visibility was not confirmed");
  return error;
}

void LoopHarness::purge(QueueId queue) {
  const auto call =
      submit([&](Shard& shard, Timestamp at) { shard.purge_queue(queue, 0, at).value(); });
  settle();
  if (!call->succeeded) throw std::runtime_error("the purge was not confirmed");
}

void LoopHarness::delete_queue(QueueId queue) {
  const auto call = submit([&](Shard& shard, Timestamp) { shard.delete_queue(queue).value(); });
  settings_.erase(queue);
  settle();
  if (!call->succeeded) throw std::runtime_error("the queue's deletion was not confirmed");
}

QueueCounts LoopHarness::counts(QueueId queue) {
  settle();
  QueueCounts counts;
  const auto call =
      submit([&](Shard& shard, Timestamp at) { counts = shard.counts(queue, at).value(); });
  settle();
  if (!call->succeeded) throw std::runtime_error("the counts were not told");
  return counts;
}

void LoopHarness::look_on(const std::shared_ptr<Look>& look) {
  do {
    go_on(*look);
    const auto call = submit([&](Shard& shard, Timestamp at) { shard.look(look, at).value(); });
    settle();
    if (!call->succeeded) throw std::runtime_error("the look was not answered");
  } while (!look->error && !has_enough(*look));
}

Expected<std::vector<LookedMessage>> LoopHarness::look(QueueId queue, const LookWanted& wanted,
                                                       std::size_t page) {
  std::vector<LookedMessage> all;
  const auto look = std::make_shared<Look>();
  look->queue = queue;
  look->wanted = wanted;
  look->found_max = page;
  look->body_bytes_max = look->found_bytes_max = std::size_t{1} << 20;
  do {
    look->found.clear();
    look->found_bytes = 0;
    look->groups_max = look->groups_listed.size() + page;
    look_on(look);
    if (look->error) return *look->error;
    for (LookedMessage& message : look->found) all.push_back(std::move(message));
  } while (!look->exhausted);
  return all;
}

std::vector<std::optional<ApiError>> LoopHarness::erase_messages(
    QueueId queue, const std::vector<SequenceNumber>& sequences) {
  std::vector<MessageOutcome> outcomes(sequences.size());
  const auto call = submit([&](Shard& shard, Timestamp at) {
    shard.erase_messages(queue, sequences, outcomes, at).value();
  });
  settle();
  if (!call->succeeded) throw std::runtime_error("the messages were not deleted");
  std::vector<std::optional<ApiError>> refusals;
  for (const MessageOutcome& outcome : outcomes) refusals.push_back(outcome.refusal);
  return refusals;
}

std::vector<std::optional<ApiError>> LoopHarness::move_messages(
    QueueId queue, QueueId target, const std::vector<SequenceNumber>& sequences) {
  std::vector<MessageToTake> messages;
  for (const SequenceNumber sequence : sequences) {
    const auto look = std::make_shared<Look>();
    look->queue = queue;
    look->next = sequence;
    look->end = SequenceNumber{sequence.value() + 1};
    look->keep_chunks = true;
    look_on(look);
    messages.push_back({sequence, look->found.empty() ? nullptr : look->found.front().chunk});
  }
  std::vector<MessageOutcome> outcomes(sequences.size());
  while (!std::ranges::all_of(outcomes, &MessageOutcome::ended)) {
    const auto call = submit([&](Shard& shard, Timestamp at) {
      shard.move_messages(queue, target, messages, outcomes, at).value();
    });
    settle();
    if (!call->succeeded) throw std::runtime_error("the messages were not moved");
  }
  std::vector<std::optional<ApiError>> refusals;
  for (const MessageOutcome& outcome : outcomes) refusals.push_back(outcome.refusal);
  return refusals;
}

void LoopHarness::advance(Milliseconds by) {
  const Timestamp end = now() + by;
  settle();
  for (Timestamp next = loop_->next_event(); next <= end; next = loop_->next_event()) {
    clock_.advance(std::max<Milliseconds>(next - now(), 0));
    settle();
  }
  clock_.advance(end - now());
  settle();
}

// --- the world ---

void LoopHarness::turn() {
  loop_->turn(now());
  for (Load& load : loop_->take_loads()) loads_.push_back(std::move(load));
  for (Transfer& transfer : loop_->take_transfers()) transfers.push_back(std::move(transfer));
  for (TransferResult& result : loop_->take_transfer_results()) {
    transfer_results.push_back(std::move(result));
  }
}

bool LoopHarness::begin_commit() {
  if (committing_) return false;
  const WriteBatch* batch = loop_->next_batch(now());
  if (batch == nullptr) return false;
  store_->hold_commits(true);
  store_->commit(*batch);
  loop_->batch_taken();
  committing_ = true;
  return true;
}

bool LoopHarness::make_durable() {
  if (!committing_ || !store_->commit_in_flight()) return false;
  store_->complete_commit();
  return true;
}

bool LoopHarness::finish_commit() {
  if (!committing_) return false;
  make_durable();
  const auto outcome = store_->finish();
  CHECK(outcome);
  if (!*outcome) throw std::runtime_error("the store failed: " + outcome->error().message());
  committing_ = false;
  loop_->committed(**outcome, now());
  turn();
  return true;
}

bool LoopHarness::perform_load() {
  if (loads_.empty()) return false;
  StoreResult<LoadResult> result = millrace::perform_load(
      loads_.front(), *store_, [this](const std::string& what) { corruptions.push_back(what); });
  if (!result) throw std::runtime_error("a load failed: " + result.error().message());
  loads_.erase(loads_.begin());
  results_.push_back(std::move(*result));
  return true;
}

bool LoopHarness::deliver_load(std::size_t earlier) {
  if (results_.size() <= earlier) return false;
  const auto next = results_.begin() + static_cast<std::ptrdiff_t>(earlier);
  const LoadResult result = std::move(*next);
  results_.erase(next);
  loop_->loaded(result, now());
  turn();
  return true;
}

void LoopHarness::settle() {
  for (unsigned steps = 0; steps < kStepsMax; ++steps) {
    turn();
    bool busy = perform_load();
    busy |= deliver_load();
    busy |= begin_commit();
    busy |= finish_commit();
    if (!busy && loop_->next_event() > now()) return;
  }
  throw std::runtime_error("the loop does not come to rest");
}

void LoopHarness::crash(FaultStore::InFlight in_flight) {
  loop_->fail(ApiError(ErrorCode::service_unavailable));
  store_ = store_->crash(in_flight);
  committing_ = false;
  loads_.clear();
  results_.clear();
  transfers.clear();
  transfer_results.clear();
  calls_.clear();
  receives_.clear();
  open();
}

void LoopHarness::restart() {
  loop_->stop(now());
  settle();
  if (!loop_->drained()) throw std::runtime_error("the loop was stopped and is not drained");
  crash();
}

}  // namespace millrace
