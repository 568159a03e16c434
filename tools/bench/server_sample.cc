#include "bench/server_sample.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace millrace::bench {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_text(const fs::path& path) {
  std::ifstream file(path);
  if (!file) {
    return std::nullopt;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The process and all below it.
std::vector<pid_t> family_of(pid_t pid) {
  std::vector<pid_t> family{pid};
  for (std::size_t i = 0; i < family.size(); ++i) {
    std::error_code gone;
    const fs::path tasks = fs::path("/proc") / std::to_string(family[i]) / "task";
    for (fs::directory_iterator task(tasks, gone), end; !gone && task != end;
         task.increment(gone)) {
      std::istringstream children(read_text(task->path() / "children").value_or(""));
      for (pid_t child = 0; children >> child;) {
        family.push_back(child);
      }
    }
  }
  return family;
}

double cpu_seconds_of(const std::string& stat) {
  // Fields 14 and 15, counted from the parenthesis that ends field 2: a name may hold spaces.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::uint64_t rss_bytes_of(const std::string& statm) {
  std::istringstream fields(statm);
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  fields >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t write_bytes_of(const std::string& io) {
  std::istringstream lines(io);
  std::string name;
  std::uint64_t value = 0;
  while (lines >> name >> value) {
    if (name == "write_bytes:") {
      return value;
    }
  }
  return 0;
}

}  // namespace

std::optional<ServerSample> sample_server(pid_t pid) {
  ServerSample sum;
  bool found = false;
  for (const pid_t member : family_of(pid)) {
    const fs::path folder = fs::path("/proc") / std::to_string(member);
    const std::optional<std::string> stat = read_text(folder / "stat");
    if (!stat) {
      continue;
    }
    found = true;
    sum.cpu_seconds += cpu_seconds_of(*stat);
    sum.rss_bytes += rss_bytes_of(read_text(folder / "statm").value_or(""));
    sum.write_bytes += write_bytes_of(read_text(folder / "io").value_or(""));
  }
  return found ? std::optional(sum) : std::nullopt;
}

double own_cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto as_seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return as_seconds(use.ru_utime) + as_seconds(use.ru_stime);
}

}  // namespace millrace::bench
