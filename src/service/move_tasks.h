// What clients are told of a move task. Pure; any thread.
#pragma once

#include <string>

#include "api/moves.h"
#include "queue/move_tasks.h"

namespace millrace {

/// The task of the queue with this ARN. One that runs has a handle, which cancels it.
api::ListMessageMoveTasksResultEntry describe_task(const MoveTask& task, const std::string& arn);

}  // namespace millrace
