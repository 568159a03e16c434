// Workload: the clients of a simulated server, from the first request to the last message drained.
//
// run() plays one seed: clients send, receive, delete and so on while shards crash and restart;
// then everything heals, the auditor hears the counts at rest, and what is left is drained.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "sim/auditor.h"
#include "sim/driver.h"
#include "sim/plan.h"

namespace millrace::sim {

class Workload {
 public:
  Workload(const Plan& plan, std::uint64_t seed);

  /// @return the first broken promise, or nothing.
  std::optional<std::string> run();

  const Auditor& auditor() const { return auditor_; }
  std::uint64_t disturbances() const { return world_.disturbances; }
  /// How much time has passed for the server.
  Milliseconds simulated() const { return events_.now() - began_; }

 private:
  struct Held {
    DeliveryNumber number;
    QueueNumber queue;
    std::string handle;
  };
  struct Client {
    std::vector<Held> held;     // deliveries that it has not deleted yet
    AttemptNumber attempt = 0;  // its last receive attempt, at `attempt_queue`
    QueueNumber attempt_queue = 0;
    bool busy = false;
  };
  struct Slot {
    std::optional<QueueNumber> queue;  // the queue that goes by this name, as far as is known
    bool busy = false;                 // being created, changed, purged or deleted
  };

  // Set-up and the directory of queues: a definition names a queue and the version of its
  // attributes.
  void create(unsigned slot, std::function<void()> then);
  std::string definition(QueueNumber queue, VersionNumber version) const;
  QueueSettings settings(QueueNumber queue) const;
  void configure_all();
  void opened(unsigned shard);
  std::optional<QueueId> find_queue(std::string_view arn) const;
  void refused(QueueNumber queue, const ApiError& error);
  std::optional<QueueNumber> any_queue();

  // Clients.
  void think(std::size_t client);
  void act(std::size_t client);
  void finished(std::size_t client);
  void send(std::size_t client);
  void receive(std::size_t client);
  void erase(std::size_t client);
  void change(std::size_t client);
  void purge(std::size_t client);
  void delete_queue(std::size_t client);
  void move(std::size_t client);
  void set_attributes(std::size_t client);
  QueueFacts changed_facts(QueueNumber queue);
  void start_move(const PlannedMove& planned, QueueNumber source, std::function<void()> then);
  void cancel_move(QueueNumber source, std::function<void()> then);
  void list_moves(QueueNumber source, std::function<void()> then);
  struct Asked {
    QueueNumber queue = 0;
    unsigned count = 10;
    Milliseconds timeout = 0;
    Milliseconds wait = 0;
    AttemptNumber attempt = 0;
  };
  std::string any_tenant();
  MessagePlace any_place(QueueNumber queue);
  AttemptNumber any_attempt(Client& client, QueueNumber queue);
  void start_receive(const Asked& asked, std::function<void(std::vector<Held>)> then);
  std::vector<Held> take_answer(const Asked& asked, Outcome outcome,
                                const Expected<ReceiveResult>& result, bool disturbed,
                                Moment moment);
  void start_erase(QueueNumber queue, std::vector<Held> held, std::function<void()> then);

  // Faults.
  void schedule_faults();

  // The end.
  void heal_and_drain();
  bool advance(Milliseconds by);
  Milliseconds below(Milliseconds limit);
  bool wait_until_idle();
  bool wait_until_moved();
  void drain_queue(QueueNumber queue, bool& found);
  QueueCounts counts();
  void check_empty_stores();

  Driver& driver_of(QueueNumber queue);

  const Plan& plan_;
  Auditor auditor_;
  World world_;
  Events& events_;
  Random& random_;
  const Timestamp began_;
  std::vector<Client> clients_;
  std::vector<Slot> slots_;
  std::map<QueueNumber, QueueFacts> facts_;                  // in force
  std::map<QueueNumber, std::vector<QueueFacts>> versions_;  // by version
  std::map<QueueNumber, QueueId> ids_;
  std::map<QueueNumber, std::vector<std::string>> deduplication_ids_;  // that were sent to it
  std::size_t busy_ = 0;                                               // requests under way
  std::size_t requests_ = 0;                                           // of clients, so far
  bool acting_ = true;
};

}  // namespace millrace::sim
