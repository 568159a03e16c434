// Mutations: deliberate faults, to see that the auditor notices each of them. They sit where the
// simulator touches the server, so that no code of the server knows of them: on the way of a batch
// to the store, on the way of a reply to its client, and in what a start finds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/write_batch.h"
#include "storage/store.h"

namespace millrace::sim {

struct Mutation {
  std::string_view name;
  std::string_view fault;           // what is wrong, for the help
  bool calls_end_early = false;     // as soon as the store has their batch
  bool receives_end_early = false;  // the same of receives that wait for a commit
  /// What the store is given as the value of a row instead; nothing: it never gets the row.
  std::optional<std::string> (*written)(const RowChange& change) = nullptr;
  /// What happens to the rows before a start reads them.
  void (*before_start)(const Snapshot& rows, WriteBatch& changes) = nullptr;
};

/// All of them, in one table.
std::span<const Mutation> mutations();
/// @return null if none is called so.
const Mutation* find_mutation(std::string_view name);

/// What the store gets of `batch` under the mutation.
WriteBatch mutated(const WriteBatch& batch, const Mutation& mutation);

}  // namespace millrace::sim
