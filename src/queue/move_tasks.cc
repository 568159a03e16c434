#include "queue/move_tasks.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/limits.h"

namespace millrace {

namespace {

using Status = MoveTaskRecord::Status;

// Without a rate, a commit takes so many messages along; the queue limits their bytes.
constexpr std::uint64_t kTakeMax = 1'000;
// So many may be under way to other shards: they lie in memory until they are sent.
constexpr std::uint64_t kUnderWayMax = 1'000;
// A rate is kept by taking a few messages at a time, not one commit for each.
constexpr std::uint64_t kTakesPerSecond = 10;
// Reasons to fail that SQS leaves unnamed.
constexpr std::string_view kRanForTooLong = "MaximumRunTimeExceeded";
constexpr std::string_view kDamaged = "DamagedMessage";

bool is_active(const MoveTaskRecord& record) {
  return record.status == Status::running || record.status == Status::cancelling;
}

std::uint64_t taken_at_a_time(std::uint32_t rate) {
  return rate == 0 ? kTakeMax : std::max<std::uint64_t>(rate / kTakesPerSecond, 1);
}

// How long a task with the rate has to wait after it took `count` messages.
Milliseconds pause_after(std::size_t count, std::uint32_t rate) {
  if (rate == 0) return 0;
  return (static_cast<Milliseconds>(count) * 1000 + rate - 1) / rate;
}

}  // namespace

// --- finding ---

const MoveTasks::Task* MoveTasks::latest(QueueId source) const {
  if (sources_.empty()) return nullptr;
  const auto tasks = sources_.find(source);
  return tasks == sources_.end() ? nullptr : &tasks->second.rbegin()->second;
}

MoveTasks::Task* MoveTasks::latest(QueueId source) {
  return const_cast<Task*>(std::as_const(*this).latest(source));
}

MoveTasks::Task* MoveTasks::running_task(QueueId source) {
  Task* task = latest(source);
  return task != nullptr && task->task.record.status == Status::running ? task : nullptr;
}

MoveTasks::Task* MoveTasks::find(QueueId source, MoveTaskNumber number) {
  const auto tasks = sources_.find(source);
  if (tasks == sources_.end()) return nullptr;
  const auto task = tasks->second.find(number);
  return task == tasks->second.end() ? nullptr : &task->second;
}

MoveTasks::Task MoveTasks::make(QueueId source, MoveTaskNumber number,
                                MoveTaskRecord record) const {
  Task task;
  task.task.number = number;
  task.task.id = to_uuid_text(fingerprints_.move_task(source, number.value()));
  task.task.record = std::move(record);
  return task;
}

// --- restoring ---

bool MoveTasks::restore(QueueId source, MoveTaskNumber number, std::string_view value) {
  std::optional<MoveTaskRecord> record = parse_move_task(value);
  if (!record) return false;
  Task task = make(source, number, std::move(*record));
  task.held = true;
  sources_[source].insert_or_assign(number, std::move(task));
  return true;
}

void MoveTasks::restore_under_way(QueueId source, MoveTaskNumber number) {
  if (Task* task = find(source, number)) ++task->under_way;
}

void MoveTasks::release(QueueId source) {
  Task* task = latest(source);
  if (task == nullptr || !task->held) return;
  task->held = false;
  task->due = true;
}

// --- what clients do ---

Expected<MoveTask> MoveTasks::start(QueueId source, const NewMoveTask& wanted,
                                    std::uint64_t visible, Timestamp now) {
  const Task* last = latest(source);
  if (last != nullptr && is_active(last->task.record)) {
    return ApiError(ErrorCode::invalid_parameter_value,
                    "There is already a task running. Only one active task is allowed for a source "
                    "queue arn at a given time.");
  }
  const MoveTaskNumber number{last == nullptr ? 1 : last->task.number.value() + 1};
  MoveTaskRecord record;
  record.rate = wanted.rate;
  record.to_move = visible;
  record.started_at = now;
  record.destination = wanted.destination;
  record.destination_arn = wanted.destination_arn;
  Tasks& tasks = sources_[source];
  const Task& task = tasks.emplace(number, make(source, number, std::move(record))).first->second;
  change(source, task);
  forget_oldest(source, tasks);
  return task.task;
}

void MoveTasks::forget_oldest(QueueId source, Tasks& tasks) {
  if (tasks.size() <= static_cast<std::size_t>(limits::kMoveTasksListed)) return;
  effects_.writes.erase(Family::queues, move_task_key(source, tasks.begin()->first));
  tasks.erase(tasks.begin());
}

Expected<std::uint64_t> MoveTasks::cancel(QueueId source, std::string_view id) {
  const auto tasks = sources_.find(source);
  if (tasks != sources_.end()) {
    for (auto& [number, task] : tasks->second) {
      if (task.task.id != id) continue;
      if (task.task.record.status != Status::running) {
        return ApiError(ErrorCode::invalid_parameter_value, "Only active tasks can be cancelled.");
      }
      end(source, task, task.under_way > 0 ? Status::cancelling : Status::cancelled, {});
      return task.task.record.moved;
    }
  }
  return ApiError(ErrorCode::resource_not_found, "Task does not exist.");
}

std::vector<MoveTask> MoveTasks::list(QueueId source) const {
  std::vector<MoveTask> listed;
  const auto tasks = sources_.find(source);
  if (tasks == sources_.end()) return listed;
  for (auto it = tasks->second.rbegin(); it != tasks->second.rend(); ++it) {
    listed.push_back(it->second.task);
  }
  return listed;
}

std::vector<QueueId> MoveTasks::active() const {
  std::vector<QueueId> queues;
  for (const auto& [source, tasks] : sources_) {
    if (is_active(tasks.rbegin()->second.task.record)) queues.push_back(source);
  }
  return queues;
}

std::vector<std::pair<QueueId, MoveTask>> MoveTasks::last() const {
  std::vector<std::pair<QueueId, MoveTask>> last;
  for (const auto& [source, tasks] : sources_) {
    last.emplace_back(source, tasks.rbegin()->second.task);
  }
  return last;
}

void MoveTasks::forget(QueueId source) {
  const auto tasks = sources_.find(source);
  if (tasks == sources_.end()) return;
  for (const auto& [number, task] : tasks->second) {
    effects_.writes.erase(Family::queues, move_task_key(source, number));
  }
  sources_.erase(tasks);
}

// --- moving ---

const MoveTask* MoveTasks::running(QueueId source) const {
  const Task* task = latest(source);
  if (task == nullptr || task->task.record.status != Status::running) return nullptr;
  return &task->task;
}

unsigned MoveTasks::allowance(QueueId source, Timestamp now) {
  Task* task = running_task(source);
  if (task == nullptr || task->held) return 0;
  const MoveTaskRecord& record = task->task.record;
  if (now - record.started_at >= limits::kMoveTaskRunMax) {
    fail(source, kRanForTooLong);
    return 0;
  }
  // When it took something last, a start has forgotten.
  const std::uint64_t at_a_time = taken_at_a_time(record.rate);
  if (std::exchange(task->due, false)) task->next_take = now + pause_after(at_a_time, record.rate);
  task->paced = now < task->next_take;
  if (task->paced || task->taken_in == batch_ || task->under_way >= kUnderWayMax) return 0;
  return static_cast<unsigned>(std::min(at_a_time, kUnderWayMax - task->under_way));
}

void MoveTasks::took(QueueId source, std::size_t count, std::size_t away, Timestamp now) {
  Task* task = running_task(source);
  CHECK(task != nullptr && away <= count);
  if (count == 0) return;
  MoveTaskRecord& record = task->task.record;
  record.moved += count - away;
  task->under_way += away;
  task->taken_in = batch_;
  task->next_take = now + pause_after(count, record.rate);
  change(source, *task);
}

void MoveTasks::answered(QueueId source, MoveTaskNumber number, bool applied) {
  Task* task = find(source, number);
  if (task == nullptr) return;
  CHECK(task->under_way > 0);
  --task->under_way;
  MoveTaskRecord& record = task->task.record;
  if (applied) {
    ++record.moved;
    change(source, *task);
  }
  if (record.status == Status::cancelling && task->under_way == 0) {
    end(source, *task, Status::cancelled, {});
  } else if (record.status == Status::running && !applied) {
    end(source, *task, Status::failed, kNoSuchTarget);
  }
}

void MoveTasks::found_nothing(QueueId source) {
  Task* task = running_task(source);
  if (task != nullptr && task->under_way == 0) end(source, *task, Status::completed, {});
}

void MoveTasks::found_damage(QueueId source) {
  Task* task = running_task(source);
  if (task != nullptr && task->under_way == 0) end(source, *task, Status::failed, kDamaged);
}

void MoveTasks::fail(QueueId source, std::string_view reason) {
  if (Task* task = running_task(source)) end(source, *task, Status::failed, reason);
}

void MoveTasks::end(QueueId source, Task& task, Status status, std::string_view failure_reason) {
  task.task.record.status = status;
  task.task.record.failure_reason = failure_reason;
  change(source, task);
}

Timestamp MoveTasks::next_event(QueueId source) const {
  const Task* task = latest(source);
  if (task == nullptr || task->held || task->task.record.status != Status::running) return kNever;
  if (task->due) return Timestamp{};
  const Timestamp end = task->task.record.started_at + limits::kMoveTaskRunMax;
  return task->paced ? std::min(task->next_take, end) : end;
}

// --- commits ---

void MoveTasks::change(QueueId source, const Task& task) {
  const std::pair changed(source, task.task.number);
  if (std::ranges::find(changed_, changed) == changed_.end()) changed_.push_back(changed);
}

void MoveTasks::seal() {
  ++batch_;
  for (const auto& [source, number] : std::exchange(changed_, {})) {
    const Task* task = find(source, number);
    if (task == nullptr) continue;
    effects_.writes.put(Family::queues, move_task_key(source, number),
                        encode_move_task(task->task.record));
  }
}

}  // namespace millrace
