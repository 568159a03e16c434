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

 private:
  struct Held {
    DeliveryNumber number;
    QueueNumber queue;
    std::string handle;
  };
  struct Client {
    std::vector<Held> held;  // deliveries that it has not deleted yet
    bool busy = false;
  };
  struct Slot {
    std::optional<QueueNumber> queue;  // the queue that goes by this name, as far as is known
    bool busy = false;                 // being created or deleted
  };

  // Set-up and the directory of queues.
  void create(unsigned slot, std::function<void()> then);
  QueueSettings settings(QueueNumber queue) const;
  void configure_all();
  void opened(unsigned shard);
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
  void start_receive(QueueNumber queue, unsigned count, Milliseconds timeout, Milliseconds wait,
                     std::function<void(Outcome, std::vector<Held>)> then);
  void start_erase(QueueNumber queue, std::vector<Held> held, std::function<void()> then);

  // Faults.
  void schedule_faults();

  // The end.
  void heal_and_drain();
  bool advance(Milliseconds by);
  bool wait_until_idle();
  void drain_queue(QueueNumber queue, bool& found);
  QueueCounts counts();
  void check_empty_stores();

  Driver& driver_of(QueueNumber queue);

  const Plan& plan_;
  Auditor auditor_;
  World world_;
  Events& events_;
  Random& random_;
  std::vector<Client> clients_;
  std::vector<Slot> slots_;
  std::map<QueueNumber, QueueFacts> facts_;
  std::map<QueueNumber, QueueId> ids_;
  std::size_t busy_ = 0;  // requests under way
  bool acting_ = true;
};

}  // namespace millrace::sim
