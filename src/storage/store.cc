#include "storage/store.h"

#include <stdexcept>

namespace millrace {

StoreResult<void> for_each_page(
    const Snapshot& snapshot, Family family,
    const std::function<StoreResult<void>(const std::vector<Row>& rows)>& look) {
  constexpr std::size_t kPage = 1'000;  // rows
  std::string from;
  for (;;) {
    const StoreResult<std::vector<Row>> page = snapshot.scan(family, from, {}, kPage);
    if (!page) return page.error();
    if (const StoreResult<void> looked = look(*page); !looked) return looked;
    if (page->size() < kPage) return {};
    from = page->back().key + '\0';
  }
}

StoreResult<std::unique_ptr<StoreCopy>> Store::begin_copy(const std::string&) {
  return StoreError("this store keeps its data in memory only");
}

void throw_exception_from_error(const StoreError& error, const boost::source_location&) {
  throw std::logic_error("a StoreResult was read without being checked: " + error.message());
}

}  // namespace millrace
