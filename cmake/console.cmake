# The management console's page, built from console/ and put into the server.
#
# millrace_add_console(): the library millrace_console_files, which defines console_files()
# (src/server/console_files.h). With MILLRACE_CONSOLE=AUTO the page is built where node, npm and its
# sources are; without it the server says how to get it, so that nobody needs Node to build a server.

function(millrace_add_console)
  set(console ${PROJECT_SOURCE_DIR}/console)
  set(tools ${PROJECT_SOURCE_DIR}/cmake/console)
  find_program(NODE node)
  find_program(NPM npm)
  set(wanted ${MILLRACE_CONSOLE})
  if(wanted STREQUAL "AUTO")
    set(wanted OFF)
    if(NODE AND NPM AND EXISTS ${console}/package.json)
      set(wanted ON)
    endif()
    message(STATUS "Management console in the server: ${wanted}")
  elseif(wanted AND NOT (NODE AND NPM))
    message(FATAL_ERROR "MILLRACE_CONSOLE is ON, but node and npm are not both here")
  endif()
  if(NOT wanted)
    add_library(millrace_console_files STATIC ${tools}/no_files.cc)
    target_include_directories(millrace_console_files PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(millrace_console_files PRIVATE millrace_warnings)
    return()
  endif()

  # npm leaves this file behind when it is done.
  set(installed ${console}/node_modules/.package-lock.json)
  add_custom_command(
    OUTPUT ${installed}
    COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund
    COMMAND ${CMAKE_COMMAND} -E touch ${installed}
    WORKING_DIRECTORY ${console}
    DEPENDS ${console}/package.json ${console}/package-lock.json
    COMMENT "Installing what the management console is built from"
    VERBATIM)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${console}/src/* ${console}/plugins/*
       ${console}/public/*)
  set(built ${PROJECT_BINARY_DIR}/console)
  add_custom_command(
    OUTPUT ${built}/console_files.cc ${built}/console_files.bin
    COMMAND ${NPM} run build -- --outDir ${built}/dist --emptyOutDir --logLevel warn
    COMMAND ${NODE} ${tools}/pack.mjs ${built}/dist ${built}
    WORKING_DIRECTORY ${console}
    DEPENDS ${installed} ${tools}/pack.mjs ${console}/package.json ${console}/index.html
            ${console}/vite.config.ts ${console}/tsconfig.json ${sources}
    COMMENT "Building the management console"
    VERBATIM)
  set_source_files_properties(${built}/console_files.cc PROPERTIES OBJECT_DEPENDS
                                                                   ${built}/console_files.bin)
  add_library(millrace_console_files STATIC ${built}/console_files.cc)
  target_include_directories(millrace_console_files PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(millrace_console_files PRIVATE millrace_warnings)
endfunction()
