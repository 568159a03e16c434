#include "observe/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace millrace {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// When the process began, in seconds after the system did: field 22 of /proc/self/stat, the 20th
// behind the name in parentheses, which may hold anything.
double started_after_boot() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::size_t at = line.rfind(')');
  for (int field = 0; field < 20 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  return std::stod(line.substr(at + 1)) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double booted_at() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

std::uint64_t count_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (error) return 0;
  const auto count = std::distance(begin(open), end(open));
  return static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(count - 1, 0));  // not this one
}

}  // namespace

std::uint64_t read_resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

ProcessValues read_process() {
  ProcessValues values;
  values.resident_bytes = read_resident_bytes();
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    values.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  }
  const double booted = booted_at();
  if (booted > 0) values.started_at = booted + started_after_boot();
  values.open_descriptors = count_descriptors();
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    values.descriptors_max = static_cast<std::uint64_t>(descriptors.rlim_cur);
  }
  return values;
}

}  // namespace millrace
