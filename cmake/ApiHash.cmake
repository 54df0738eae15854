# indexer_api_hash(OUT ROOT): a hash of the C API's headers and of the code that
# reads and writes bundles. The Python extension and the compiler's library come
# in packages of their own: each has the hash of what it was built from, and the
# extension refuses a library with another one.
function(indexer_api_hash out root)
  set(all "")
  foreach(file include/indexer-c/Compiler.h include/indexer-c/Runtime.h
               include/indexer/Runtime/Bundle.h lib/Runtime/BundleReader.cpp
               lib/Runtime/BundleWriter.cpp)
    file(SHA256 ${root}/${file} hash)
    string(APPEND all ${hash})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                 ${root}/${file})
  endforeach()
  string(SHA256 all "${all}")
  string(SUBSTRING ${all} 0 16 all)
  set(${out} ${all} PARENT_SCOPE)
endfunction()
