// MoveTasks: the message move tasks of a shard's queues: what became of each, how fast the one that
// runs may go, and what is still under way for it.
//
// A task is a row that lies with its source queue. Whatever it counts goes to disk with the
// messages that it counts, so a task goes on after a crash with nothing lost and nothing counted
// twice. A message counts as moved when its target has it: at once on the same shard, else when the
// target's shard has answered.
//
//   running ──► completed    nothing visible is left, and nothing is under way
//           ──► failed       a message cannot be moved, or it ran for too long; what is damaged on
//                            disk fails it last, when all else has been moved
//           ──► cancelling ──► cancelled    once nothing is under way
//
// A queue has one active task (running or cancelling) at a time, and remembers the last ten.
//
// Owned by the shard, on its thread. Knows no message; the shard takes and brings them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/fingerprint.h"
#include "model/message.h"
#include "queue/effects.h"
#include "queue/records.h"

namespace millrace {

/// Why tasks fail, as SQS words it: the queue that a message is to go to is gone; a message does
/// not say where it came from.
inline constexpr std::string_view kNoSuchTarget = "AWS.SimpleQueueService.NonExistentQueue";
inline constexpr std::string_view kNoSource = "CouldNotDetermineMessageSource";

/// What StartMessageMoveTask asks for.
struct NewMoveTask {
  std::optional<QueueId> destination = {};  // nothing: each message goes where it came from
  std::string destination_arn = {};
  std::uint32_t rate = 0;  // messages a second; 0: as fast as it goes
};

struct MoveTask {
  MoveTaskNumber number;
  std::string id;  // a UUID, which tells a client nothing else
  MoveTaskRecord record;
};

class MoveTasks {
 public:
  /// Both outlive this.
  MoveTasks(const Fingerprinter& fingerprints, Effects& effects)
      : fingerprints_(fingerprints), effects_(effects) {}

  // --- restoring ---

  /// Takes up a task's row. @return false if it is malformed. The task moves nothing before
  /// release(): the shard does not know yet where messages may go.
  bool restore(QueueId source, MoveTaskNumber number, std::string_view value);
  /// A message of the task is found under way.
  void restore_under_way(QueueId source, MoveTaskNumber number);
  /// The queue's task may go on, if one was restored.
  void release(QueueId source);

  // --- what clients do ---

  /// @param visible messages in the queue now. @return InvalidParameterValue if a task is active.
  Expected<MoveTask> start(QueueId source, const NewMoveTask& wanted, std::uint64_t visible,
                           Timestamp now);
  /// @return how many were moved by now; ResourceNotFound if there is no such task,
  /// InvalidParameterValue if it does not run.
  Expected<std::uint64_t> cancel(QueueId source, std::string_view id);
  /// Newest first.
  std::vector<MoveTask> list(QueueId source) const;
  /// The queues with an active task.
  std::vector<QueueId> active() const;
  /// The last task of each queue that had one, in no order.
  std::vector<std::pair<QueueId, MoveTask>> last() const;
  /// The queue was deleted, and its tasks with it.
  void forget(QueueId source);

  // --- moving ---

  /// The queue's running task, or null. Valid until the next change.
  const MoveTask* running(QueueId source) const;
  /// How many messages the running task may take now. Fails a task that has run for too long.
  unsigned allowance(QueueId source, Timestamp now);
  /// The running task has taken `count` messages, of which `away` left for other shards. It takes
  /// the next ones into the batch after this one.
  void took(QueueId source, std::size_t count, std::size_t away, Timestamp now);
  /// The target has answered for a message that left. @param applied false: it is gone, and the
  /// message is back.
  void answered(QueueId source, MoveTaskNumber number, bool applied);
  /// Nothing visible is left. The task is completed unless messages are still under way.
  void found_nothing(QueueId source);
  /// Nothing is left that can be moved, but something damaged. The task has failed unless messages
  /// are still under way.
  void found_damage(QueueId source);
  /// Ends the running task.
  void fail(QueueId source, std::string_view reason);
  /// When the running task may take something again, or has run for too long; kNever if it waits
  /// for something else.
  Timestamp next_event(QueueId source) const;

  // --- commits ---

  bool changed() const { return !changed_.empty(); }
  /// Puts what has changed into the batch; what is taken from now on is for the next one.
  void seal();

 private:
  struct Task {
    MoveTask task;
    std::uint64_t under_way = 0;  // messages that left for other shards
    Timestamp next_take;          // not before, for its rate
    std::uint64_t taken_in = 0;   // number of the batch that holds what it took last
    bool held = false;            // restored, and not released yet
    bool due = false;             // released, and not looked at yet
    bool paced = false;           // it waits for next_take
  };
  using Tasks = std::map<MoveTaskNumber, Task>;

  const Task* latest(QueueId source) const;
  Task* latest(QueueId source);
  Task* running_task(QueueId source);
  Task* find(QueueId source, MoveTaskNumber number);
  Task make(QueueId source, MoveTaskNumber number, MoveTaskRecord record) const;
  void change(QueueId source, const Task& task);
  void end(QueueId source, Task& task, MoveTaskRecord::Status status,
           std::string_view failure_reason);
  void forget_oldest(QueueId source, Tasks& tasks);

  const Fingerprinter& fingerprints_;
  Effects& effects_;
  std::unordered_map<QueueId, Tasks> sources_;
  std::vector<std::pair<QueueId, MoveTaskNumber>> changed_;  // since the last seal()
  std::uint64_t batch_ = 1;                                  // number of the batch being filled
};

}  // namespace millrace
