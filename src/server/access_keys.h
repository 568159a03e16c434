// AccessKeys: changes the credentials file while the server runs, and has the server take it over.
//
// One change at a time, on the thread pool that may wait for the disk. Shared by all cores;
// outlives every call. Any thread.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/error.h"
#include "server/credentials_file.h"
#include "server/start_error.h"

namespace millrace {

class AccessKeys {
 public:
  using Edit = std::function<Expected<void>(CredentialsFile&)>;

  /// @param path of the credentials file; empty: there is none, and nothing can be changed.
  /// @param executor runs one function after the other and may wait. @param reload has the server
  /// read its credentials anew; called on `executor`.
  AccessKeys(std::string path, boost::asio::any_io_executor executor,
             std::function<StartResult<void>()> reload)
      : path_(std::move(path)), executor_(std::move(executor)), reload_(std::move(reload)) {}

  bool writable() const { return !path_.empty(); }

  /// Changes the file and waits until the server goes by it. @return the error of `edit`, and then
  /// nothing is changed; UnsupportedOperation where there is no file; InternalFailure when the file
  /// could not be written, or not be taken over.
  boost::asio::awaitable<Expected<void>> change(Edit edit);

 private:
  Expected<void> change_now(const Edit& edit) const;

  const std::string path_;
  const boost::asio::any_io_executor executor_;
  const std::function<StartResult<void>()> reload_;
};

}  // namespace millrace
